import test from "ava";
import { finishSyncs } from "../queries/runs.ts";
import type { Queryable } from "../queryable.ts";
import { valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import {
  type Account,
  accountRow,
  begin,
  emptyLog,
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
} from "../testing/world.ts";

test(
  "closes the run with its numbers, and tells people what is fresh",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    await setClock(db, "2026-03-10T12:01:00Z");
    const windows = [{ source: "mono", from: "2026-02-08", to: "2026-03-10", pages: 2, complete: true }];
    const outcome = await finish(db, lease, {
      state: { job: "rt-1" },
      dataAsOf: "2026-03-10T11:59:00Z",
      balance: "1234567890123456.78",
      balanceAsOf: "2026-03-10T11:58:00Z",
      log: { pages: 2, seen: 57, unchanged: 50, refusals: { missing_id: 2, inexact_amount: 1 }, windows, requests: 5 },
    });
    t.is(outcome, "ok");
    const [run] = await runRows(db, account);
    t.like(run, {
      status: "success",
      failure_kind: null,
      sync_started_at: "2026-03-10 12:00:00+00",
      sync_completed_at: "2026-03-10 12:01:00+00",
      pages: 2,
      seen_count: 57,
      unchanged_count: 50,
      refused_count: 3,
      refusals: { missing_id: 2, inexact_amount: 1 },
      windows,
      requests: 5,
    });
    const state = await stateRow(db, account);
    t.like(state, { run_id: null, held_by: null, enqueued_until: null, failures: 0, provider_state: { job: "rt-1" } });
    t.is(run?.next_sync_at, state.next_sync_at);
    t.like(await accountRow(db, account), {
      last_synced_at: "2026-03-10 12:01:00+00",
      last_sync_attempt: "2026-03-10 12:00:00+00",
      data_as_of: "2026-03-10 11:59:00+00",
      balance: "1234567890123456.78",
      balance_as_of: "2026-03-10 11:58:00+00",
      sync_status: "active",
    });
  }),
);

test(
  "what a run did not learn stays as it was",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await finish(db, await begin(db, account), {
      state: { job: "rt-1" },
      dataAsOf: "2026-03-10T11:59:00Z",
      balance: "5.00",
      balanceAsOf: "2026-03-10T11:58:00Z",
    });
    await finish(db, await begin(db, account), { dataAsOf: undefined });
    t.like(await accountRow(db, account), {
      data_as_of: "2026-03-10 11:59:00+00",
      balance: "5.00",
      balance_as_of: "2026-03-10 11:58:00+00",
    });
    t.deepEqual((await stateRow(db, account)).provider_state, { job: "rt-1" });
    const [, quiet] = await runRows(db, account);
    t.like(quiet, { refusals: null, windows: null, refused_count: 0 });
  }),
);

test(
  "success clears what earlier failures left",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    for (const kind of ["transient", "auth_required", "transient"] as const)
      await fail(db, await begin(db, account), kind);
    t.like(await accountRow(db, account), { sync_status: "auth_required", last_synced_at: null });
    await finish(db, await begin(db, account));
    t.like(await accountRow(db, account), { sync_status: "active", last_synced_at: "2026-03-10 12:00:00+00" });
    t.like(await stateRow(db, account), { failures: 0, last_failure_kind: null });
    t.is(await valueOf(db, "select recovered_at from app_private.auth_episodes"), "2026-03-10 12:00:00+00");
  }),
);

const coverageThrough = async (db: Queryable, account: Account): Promise<unknown> => {
  await finish(db, await begin(db, account));
  return (await accountRow(db, account)).coverage_through;
};

test(
  "coverage_through is the last day without a gap from the history's start",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { historyDays: 9 });
    const settle = (days: string) => db.query("update app_private.coverage set settled = $1", [days]);
    t.is(await coverageThrough(db, account), "2026-02-28", "nothing yet: the day before the history");
    await settle("{[2026-03-03,2026-03-08)}");
    t.is(await coverageThrough(db, account), "2026-02-28", "a gap at the start counts");
    await settle("{[2026-03-01,2026-03-03),[2026-03-04,2026-03-08)}");
    t.is(await coverageThrough(db, account), "2026-03-02");
    await settle("{[2026-03-01,2026-03-08)}");
    t.is(await coverageThrough(db, account), "2026-03-07");
  }),
);

test(
  "a source that cannot list transactions has no coverage to tell",
  withDb(async (t, db) => {
    const account = await linkMomo(db);
    await finish(db, await begin(db, account, "worker-1", "mtn_momo"));
    t.is((await accountRow(db, account)).coverage_through, null);
  }),
);

test(
  "the next sync comes with the account's slot, or with an open reference if that is earlier",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    const next = async () => {
      await finish(db, await begin(db, account, "worker-1", "mtn_momo"));
      return (await stateRow(db, account)).next_sync_at;
    };
    const slot = await valueOf(db, "select app_private.schedule($1, app_private.clock())", [account.accountId]);
    const dailySlot = await next();
    // No activity is known yet when it is first asked; a quiet account's third day is known afterwards.
    t.not(dailySlot, slot);
    t.is(dailySlot, await valueOf(db, "select app_private.schedule($1, app_private.clock())", [account.accountId]));
    await db.query("select app_private.track_reference($1, gen_random_uuid())", [account.accountId]);
    t.is(await next(), "2026-03-10 12:00:30+00");
  }),
);

for (const [count, interval] of [
  [0, 3],
  [1, 3],
  [2, 2],
  [11, 2],
  [12, 1],
  [40, 1],
] as const) {
  test(
    `${count} transactions in the last 28 days: synced every ${interval} day(s)`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const account = await linkMono(db, { historyDays: 60 });
      const lease = await begin(db, account);
      // Those of 28 days ago and earlier do not count.
      const old = Array.from({ length: 20 }, (_, n) => incoming(`old-${n}`, "2026-02-10"));
      const recent = Array.from({ length: count }, (_, n) => incoming(`new-${n}`, "2026-02-11"));
      await save(db, page(lease, [...old, ...recent], { from: "2026-02-01", to: "2026-02-28" }));
      await finish(db, lease);
      t.is((await stateRow(db, account)).activity, Math.min(count, 12));
      t.is(
        await valueOf(
          db,
          `select next_sync_at = app_private.next_sync_time(app_private.clock(), make_interval(days => $1), 2, 'Africa/Lagos',
             '4 hours', app_private.stable_jitter('mono-' || account_id)) from app_private.sync_states`,
          [interval],
        ),
        true,
      );
    }),
  );
}

test(
  "many at once: a lost lease changes nothing and fails none of its neighbours",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [a, b] = [await linkMono(db), await linkMono(db)];
    const [leaseA, leaseB] = [leaseOf(await begin(db, a)), leaseOf(await begin(db, b))];
    const answers = await finishSyncs(db, [
      { ...leaseA, epoch: leaseA.epoch + 1, balance: "1", balanceAsOf: noon, log: emptyLog },
      { ...leaseB, balance: "2", balanceAsOf: noon, log: emptyLog },
    ]);
    t.deepEqual(answers, [
      { account_id: a.accountId, outcome: "lost" },
      { account_id: b.accountId, outcome: "ok" },
    ]);
    t.like(await accountRow(db, a), { last_synced_at: null, last_sync_attempt: null, balance: null });
    t.like(await accountRow(db, b), { last_synced_at: "2026-03-10 12:00:00+00", balance: "2" });
    t.is((await runRows(db, a))[0]?.status, "in_progress");
    t.deepEqual(await finishSyncs(db, []), []);
  }),
);

test(
  "no index of the wide row holds a column that a sync writes",
  withDb(async (t, db) => {
    t.is(
      await valueOf(
        db,
        `select string_agg(distinct a.attname, ' ')
         from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any (i.indkey)
         where i.indrelid = 'app_public.accounts'::regclass and a.attname in
           ('balance', 'balance_as_of', 'sync_status', 'last_synced_at', 'last_sync_attempt', 'data_as_of', 'coverage_through')`,
      ),
      null,
    );
  }),
);
