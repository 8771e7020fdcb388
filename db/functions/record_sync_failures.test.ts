import test from "ava";
import { type Failure, failureKind, recordSyncFailures } from "../queries/runs.ts";
import type { Queryable } from "../queryable.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import {
  type Account,
  accountRow,
  begin,
  emptyLog,
  fail,
  finish,
  leaseOf,
  linkMono,
  noon,
  runRows,
  setClock,
  stateRow,
} from "../testing/world.ts";

type Policy = {
  log: "failed" | "auth_error";
  counts: boolean;
  status: "active" | "auth_required" | "error";
  next: "backoff" | "interval" | "at once";
  tells: "owner" | "owner_in_time" | "operator" | "nobody";
};

/** What each kind means, as ARCHITECTURE.md tells it; failure_policy() must say the same. */
const policies: Record<Failure["kind"], Policy> = {
  transient: { log: "failed", counts: true, status: "active", next: "backoff", tells: "owner_in_time" },
  rate_limited: { log: "failed", counts: false, status: "active", next: "backoff", tells: "nobody" },
  auth_required: { log: "auth_error", counts: true, status: "auth_required", next: "interval", tells: "owner" },
  account_gone: { log: "failed", counts: true, status: "error", next: "interval", tells: "owner_in_time" },
  provider_down: { log: "failed", counts: true, status: "active", next: "backoff", tells: "owner_in_time" },
  invalid_response: { log: "failed", counts: true, status: "active", next: "backoff", tells: "owner_in_time" },
  configuration: { log: "failed", counts: false, status: "active", next: "at once", tells: "operator" },
  interrupted: { log: "failed", counts: false, status: "active", next: "at once", tells: "nobody" },
};

async function failOnce(db: Queryable, account: Account, kind: Failure["kind"], fields: Partial<Failure> = {}) {
  return fail(db, await begin(db, account), kind, fields);
}

/** Seconds from now until the account is due. */
const dueIn = async (db: Queryable, { accountId }: Account): Promise<number> =>
  Number(
    await valueOf(
      db,
      "select extract(epoch from next_sync_at - app_private.clock()) from app_private.sync_states where account_id = $1",
      [accountId],
    ),
  );

test(
  "every kind has its row, in the database as in the code",
  withDb(async (t, db) => {
    t.deepEqual(failureKind.options.toSorted(), Object.keys(policies).toSorted());
    const stored = await rowsOf(
      db,
      `select kind::text, log_status::text as log, counts, coalesce(sync_status::text, 'active') as status,
         case retry when 'at_once' then 'at once' else retry end as next, tells
       from unnest(enum_range(null::app_public.failure_kind)) as kind, app_private.failure_policy(kind)`,
    );
    t.deepEqual(Object.fromEntries(stored.map(({ kind, ...policy }) => [String(kind), policy])), policies);
  }),
);

for (const kind of failureKind.options) {
  test(
    `${kind}: the run, the account and its schedule`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const account = await linkMono(db);
      await finish(db, await begin(db, account), { dataAsOf: "2026-03-10T11:00:00Z", balance: "5", balanceAsOf: noon });
      const before = await accountRow(db, account);
      await setClock(db, "2026-03-10T13:00:00Z");
      t.is(await failOnce(db, account, kind, { message: "Told to people.", code: "E42" }), "ok");

      const policy = policies[kind];
      const [, run] = await runRows(db, account);
      t.like(run, {
        status: policy.log,
        failure_kind: kind,
        error_message: "Told to people.",
        platform_specific_error: "E42",
        sync_completed_at: "2026-03-10 13:00:00+00",
        transactions_synced: 0,
      });
      const state = await stateRow(db, account);
      t.like(state, {
        run_id: null,
        held_by: null,
        enqueued_until: null,
        failures: policy.counts ? 1 : 0,
        last_failure_kind: kind,
      });
      t.is(run?.next_sync_at, state.next_sync_at);
      t.deepEqual(await accountRow(db, account), {
        ...before,
        sync_status: policy.status,
        last_sync_attempt: "2026-03-10 13:00:00+00",
      });

      const seconds = await dueIn(db, account);
      if (policy.next === "at once") t.is(seconds, 0);
      if (policy.next === "backoff") t.true(seconds >= 48 && seconds <= 72, `${seconds} s`);
      if (policy.next === "interval") {
        const slot = await valueOf(db, "select app_private.schedule($1, app_private.clock())", [account.accountId]);
        t.is(state.next_sync_at, slot);
      }
    }),
  );
}

test(
  "three in a row make an error, two do not; success clears the count",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const status = async () => (await accountRow(db, account)).sync_status;
    await failOnce(db, account, "transient");
    await failOnce(db, account, "provider_down");
    t.is(await status(), "active");
    await finish(db, await begin(db, account));
    await failOnce(db, account, "transient");
    await failOnce(db, account, "invalid_response");
    t.is(await status(), "active");
    await failOnce(db, account, "transient");
    t.is(await status(), "error");
    await finish(db, await begin(db, account));
    t.is(await status(), "active");
  }),
);

for (const kind of ["rate_limited", "configuration", "interrupted"] as const) {
  test(
    `${kind} never makes an error, however often`,
    withDb(async (t, db) => {
      const account = await linkMono(db);
      for (let n = 0; n < 5; n += 1) {
        await db.query("update app_private.platforms set paused_until = null");
        await failOnce(db, account, kind);
      }
      t.is((await accountRow(db, account)).sync_status, "active");
      // Positive control.
      await db.query("update app_private.platforms set paused_until = null");
      for (let n = 0; n < 3; n += 1) await failOnce(db, account, "transient");
      t.is((await accountRow(db, account)).sync_status, "error");
    }),
  );
}

test(
  "an expired link stays one through failures of another kind",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await failOnce(db, account, "auth_required");
    for (let n = 0; n < 4; n += 1) await failOnce(db, account, "transient");
    t.is((await accountRow(db, account)).sync_status, "auth_required");
  }),
);

test(
  "backoff grows with each failure in a row",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    for (const minutes of [1, 2, 5, 15, 30, 60, 120, 240, 360, 360]) {
      await failOnce(db, account, "transient");
      const seconds = await dueIn(db, account);
      t.true(seconds >= 48 * minutes && seconds <= 72 * minutes, `${seconds} s instead of ${minutes} min`);
    }
    // Being limited does not grow it, and neither does being interrupted.
    await failOnce(db, account, "rate_limited");
    t.is((await stateRow(db, account)).failures, 10);
  }),
);

test(
  "when the provider asked us to come back later than that, then",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await failOnce(db, account, "rate_limited", { retryAt: "2026-03-10T12:20:00Z" });
    t.is(await dueIn(db, account), 1200);
    await failOnce(db, account, "rate_limited", { retryAt: "2026-03-10T12:00:01Z" });
    t.true((await dueIn(db, account)) >= 48);
  }),
);

test(
  "configuration pauses the platform for five minutes, and blames no account",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [account, other] = [await linkMono(db), await linkMono(db)];
    const before = await accountRow(db, other);
    await failOnce(db, account, "configuration", { message: "Our key is refused." });
    t.like(await rowOf(db, "select * from app_private.platforms where platform_source = 'mono'"), {
      paused_until: "2026-03-10 12:05:00+00",
      paused_reason: "configuration: Our key is refused.",
    });
    t.is(await valueOf(db, "select paused_until from app_private.platforms where platform_source = 'mtn_momo'"), null);
    t.deepEqual(await accountRow(db, other), before);
    t.is((await accountRow(db, account)).sync_status, "active");
    t.is(await valueOf(db, "select app_private.enqueue_due_syncs('mono')"), 0);
    await setClock(db, "2026-03-10T12:05:00Z");
    t.not(await valueOf(db, "select app_private.enqueue_due_syncs('mono')"), 0);
  }),
);

test(
  "an operator's own, longer pause stands",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    await db.query("update app_private.platforms set paused_until = 'infinity', paused_reason = 'maintenance'");
    await fail(db, lease, "configuration");
    t.like(await rowOf(db, "select * from app_private.platforms where platform_source = 'mono'"), {
      paused_until: "infinity",
      paused_reason: "maintenance",
    });
  }),
);

test(
  "an episode is opened once, by the run that found out, and closed by success",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    await fail(db, lease, "auth_required");
    await setClock(db, "2026-03-11T12:00:00Z");
    await failOnce(db, account, "auth_required");
    await failOnce(db, account, "transient");
    const episodes = () =>
      rowsOf(db, "select detected_at, detected_by, recovered_at from app_private.auth_episodes order by id");
    const first = { detected_at: "2026-03-10 12:00:00+00", detected_by: lease.runId };
    t.deepEqual(await episodes(), [{ ...first, recovered_at: null }]);
    await finish(db, await begin(db, account));
    t.deepEqual(await episodes(), [{ ...first, recovered_at: "2026-03-11 12:00:00+00" }]);
    await setClock(db, "2026-03-20T12:00:00Z");
    await failOnce(db, account, "auth_required");
    t.is((await episodes()).length, 2);
  }),
);

test(
  "other failures open no episode",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    for (const kind of failureKind.options.filter((other) => other !== "auth_required")) {
      await db.query("update app_private.platforms set paused_until = null");
      await failOnce(db, account, kind);
    }
    t.is(await valueOf(db, "select count(*) from app_private.auth_episodes"), "0");
  }),
);

test(
  "messages are cut to what the table takes",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await failOnce(db, account, "configuration", { message: "m".repeat(1000), code: "c".repeat(1000) });
    const [run] = await runRows(db, account);
    t.is(String(run?.error_message).length, 300);
    t.is(String(run?.platform_specific_error).length, 200);
  }),
);

test(
  "many at once: each by its own kind, a lost lease not at all",
  withDb(async (t, db) => {
    const [a, b, c] = [await linkMono(db), await linkMono(db), await linkMono(db)];
    const failure = async (account: Account, kind: Failure["kind"], epoch = 1): Promise<Failure> => ({
      ...leaseOf(await begin(db, account)),
      epoch,
      kind,
      message: "It failed.",
      code: null,
      retryAt: null,
      log: emptyLog,
    });
    const failures = [
      await failure(a, "transient"),
      await failure(b, "auth_required", 7),
      await failure(c, "account_gone"),
    ];
    t.deepEqual(
      (await recordSyncFailures(db, failures)).map(({ outcome }) => outcome),
      ["ok", "lost", "ok"],
    );
    t.is((await accountRow(db, a)).sync_status, "active");
    t.is((await accountRow(db, b)).sync_status, "active");
    t.is((await accountRow(db, c)).sync_status, "error");
    t.is((await runRows(db, b))[0]?.status, "in_progress");
    t.deepEqual(await recordSyncFailures(db, []), []);
  }),
);
