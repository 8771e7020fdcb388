import test from "ava";
import { beginSyncs } from "../queries/runs.ts";
import { valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import {
  alice,
  begin,
  fail,
  finish,
  incoming,
  leaseOf,
  linkMomo,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

test(
  "begun: a run is open, its lease held, and the details hold all it needs",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, {
      externalId: "mono-1",
      historyDays: 40,
      credentials: [{ kind: "mono_token", keyId: "k1", sealed: Buffer.from("sealed").toString("base64") }],
    });
    const details = await begin(db, account);
    const [run] = await runRows(db, account);
    t.deepEqual(details, {
      accountId: account.accountId,
      runId: String(run?.id),
      epoch: 1,
      platform: "mono",
      externalId: "mono-1",
      currency: "NGN",
      baseUrl: null,
      targetEnvironment: null,
      state: {},
      now: noon,
      first: false,
      mayRefresh: true,
      windows: [
        { source: "mono", from: "2026-01-29", to: "2026-02-28" },
        { source: "mono", from: "2026-03-01", to: "2026-03-10" },
      ],
      openReferences: [],
      credentials: [{ kind: "mono_token", keyId: "k1", sealed: Buffer.from("sealed") }],
    });
    t.like(run, {
      status: "in_progress",
      user_id: alice,
      platform_source: "mono",
      trigger: "schedule",
      sync_started_at: "2026-03-10 12:00:00+00",
      sync_completed_at: null,
    });
    t.like(await stateRow(db, account), {
      run_id: details.runId,
      epoch: 1,
      held_by: "worker-1",
      enqueued_until: "infinity",
    });
  }),
);

test(
  "windows end today where the provider is: 23:30 UTC is tomorrow in Lagos",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-10T23:30:00Z");
    const account = await linkMono(db, { historyDays: 1 });
    t.deepEqual((await begin(db, account)).windows, [{ source: "mono", from: "2026-03-10", to: "2026-03-11" }]);
    const inDenver = await linkMono(db, { historyDays: 1, timeZone: "America/Denver" });
    t.deepEqual((await begin(db, inDenver)).windows, [{ source: "mono", from: "2026-03-09", to: "2026-03-10" }]);
  }),
);

test(
  "a wallet has its references that are due, and windows only with a statement",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    const due = "11111111-1111-4111-8111-111111111111";
    await db.query("select app_private.track_reference($1, $2, 'requesttowithdraw', $3)", [
      account.accountId,
      due,
      "2026-03-10T11:59:00Z",
    ]);
    const later = "22222222-2222-4222-8222-222222222222";
    await db.query("select app_private.track_reference($1, $2)", [account.accountId, later]);
    const details = await begin(db, account, "worker-1", "mtn_momo");
    t.deepEqual(details.windows, []);
    t.deepEqual(details.openReferences, [
      {
        referenceId: due,
        operation: "requesttowithdraw",
        baseUrl: "https://momo.example",
        targetEnvironment: "mtnuganda",
        requestedAt: "2026-03-10T11:59:00.000Z",
      },
    ]);
    const withStatement = await linkMomo(db, { statement: true, historyDays: 2 });
    t.deepEqual((await begin(db, withStatement, "worker-1", "mtn_momo")).windows, [
      { source: "statement", from: "2026-03-08", to: "2026-03-10" },
    ]);
  }),
);

test(
  "running: a second run is not opened, whoever asks",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await begin(db, account);
    t.like(await tryBegin(db, account, "worker-2"), { outcome: "running", details: null });
    t.like(await tryBegin(db, account, "worker-1"), { outcome: "running", details: null });
    t.is((await runRows(db, account)).length, 1);
    t.is((await stateRow(db, account)).epoch, 1);
  }),
);

test(
  "each run raises the epoch",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    for (const epoch of [1, 2, 3]) {
      const lease = await begin(db, account);
      t.is(lease.epoch, epoch);
      await (epoch === 2 ? fail(db, lease, "transient") : finish(db, lease));
    }
  }),
);

test(
  "busy: while another begin is not committed, nobody waits for it",
  twoSessions(async (t, a, b) => {
    const account = await linkMono(a);
    await a.query("begin");
    t.is((await tryBegin(a, account)).outcome, "begun");
    await b.query("set lock_timeout = '50ms'");
    t.is((await tryBegin(b, account, "worker-2")).outcome, "busy");
    await a.query("rollback");
    t.is((await tryBegin(b, account, "worker-2")).outcome, "begun");
    t.is((await tryBegin(a, account)).outcome, "running");
  }),
);

test(
  "stale: a job that carries an older schedule was done already",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const dueAt = String(
      await valueOf(db, "select to_json(next_sync_at) #>> '{}' from app_private.sync_states where account_id = $1", [
        account.accountId,
      ]),
    );
    const first = await tryBegin(db, { ...account, dueAt });
    if (first.outcome !== "begun") return t.fail(first.outcome);
    await finish(db, first.details);
    t.like(await tryBegin(db, { ...account, dueAt }), { outcome: "stale", details: null });
    t.is((await runRows(db, account)).length, 1);
    // A job that was added by hand carries none, and always runs.
    t.is((await tryBegin(db, account)).outcome, "begun");
  }),
);

test(
  "to the microsecond: a schedule that a job carries as JSON is not stale",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await db.query("update app_private.sync_states set next_sync_at = '2026-03-10 11:00:00.123456+00'");
    t.is((await tryBegin(db, { ...account, dueAt: "2026-03-10T11:00:00.123455+00:00" })).outcome, "stale");
    t.is((await tryBegin(db, { ...account, dueAt: "2026-03-10T11:00:00.123456+00:00" })).outcome, "begun");
  }),
);

for (const [what, sql, outcome] of [
  ["an account that is paused", "update app_public.accounts set paused_at = now()", "paused"],
  ["a platform that is paused", "update app_private.platforms set paused_until = 'infinity'", "paused"],
  ["a platform whose pause is over", "update app_private.platforms set paused_until = app_private.clock()", "begun"],
  ["an account that was unlinked", "update app_public.accounts set unlinked_at = now()", "unlinked"],
] as const) {
  test(
    `${what}: ${outcome}`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const account = await linkMono(db);
      await db.query(sql);
      t.is((await tryBegin(db, account)).outcome, outcome);
      t.is((await runRows(db, account)).length, outcome === "begun" ? 1 : 0);
    }),
  );
}

test(
  "another platform's account, and no account at all",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    t.is((await tryBegin(db, account, "worker-1", "mtn_momo")).outcome, "wrong_platform");
    t.is((await tryBegin(db, { accountId: "99999999-9999-4999-8999-999999999999" })).outcome, "not_found");
    t.is((await tryBegin(db, account)).outcome, "begun");
  }),
);

test(
  "provider_down: only the account that probes is begun, somebody's press before others; the rest wait for the next probe",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const down = await linkMono(db, { institutionCode: "058" });
    const pressed = await linkMono(db, { institutionCode: "058" });
    const elsewhere = await linkMono(db, { institutionCode: "044" });
    await db.query(
      `insert into app_private.breakers (platform_source, institution_code, opened_at, next_probe_at)
       values ('mono', '058', app_private.clock(), '2026-03-10 12:01:00+00')`,
    );
    t.is((await tryBegin(db, down)).outcome, "provider_down");
    t.is((await runRows(db, down)).length, 0);
    const { next_sync_at, enqueued_until } = await stateRow(db, down);
    t.true(String(next_sync_at) >= "2026-03-10 12:01:00+00" && String(next_sync_at) < "2026-03-10 12:01:30+00");
    t.is(enqueued_until, null);
    t.is((await tryBegin(db, elsewhere)).outcome, "begun");

    await setClock(db, "2026-03-10T12:01:30Z");
    const outcomes = await beginSyncs(db, "mono", "worker-1", [down, { ...pressed, trigger: "user" }]);
    const outcomeOf = ({ accountId }: typeof down) =>
      outcomes.find((answer) => answer.account_id === accountId)?.outcome;
    t.deepEqual([outcomeOf(down), outcomeOf(pressed)], ["provider_down", "begun"]);
  }),
);

test(
  "many at once: one answer an account, however often it was asked for",
  withDb(async (t, db) => {
    const [a, b, c] = [await linkMono(db), await linkMono(db), await linkMono(db)];
    await begin(db, b);
    const answers = await beginSyncs(db, "mono", "worker-2", [
      a,
      b,
      { ...c, trigger: "webhook" },
      { ...a, trigger: "user" },
      { accountId: "99999999-9999-4999-8999-999999999999" },
    ]);
    t.is(answers.length, 4);
    const outcomes = new Map(answers.map(({ account_id, outcome }) => [account_id, outcome]));
    t.deepEqual(
      [a, b, c].map(({ accountId }) => outcomes.get(accountId)),
      ["begun", "running", "begun"],
    );
    t.is((await runRows(db, c))[0]?.trigger, "webhook");
    t.deepEqual(await beginSyncs(db, "mono", "worker-2", []), []);
  }),
);

test(
  "a job by hand among scheduled ones for the same account is not stale with them",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const [answer] = await beginSyncs(db, "mono", "worker-1", [
      { ...account, dueAt: "2020-01-01T00:00:00Z" },
      { ...account, trigger: "manual" },
    ]);
    t.is(answer?.outcome, "begun");
    t.is((await runRows(db, account))[0]?.trigger, "manual");
  }),
);

test(
  "the epoch before is lost to every verb that writes",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const lease = await begin(db, account);
    const stale = { ...leaseOf(lease), epoch: 0 };
    t.is(await finish(db, stale), "lost");
    t.is(await fail(db, stale, "transient"), "lost");
    t.is((await save(db, page(stale, [incoming("t1", "2026-03-05")]))).outcome, "lost");
    t.like(await stateRow(db, account), { run_id: lease.runId, held_by: "worker-1", failures: 0 });
    t.is((await runRows(db, account))[0]?.status, "in_progress");
    t.is(await finish(db, lease), "ok");
    t.is(await finish(db, lease), "lost", "and once closed, the run is closed");
  }),
);
