import test from "ava";
import { suspendSyncs } from "../queries/runs.ts";
import { beat, stopWorker } from "../queries/workers.ts";
import type { Queryable } from "../queryable.ts";
import { listOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import {
  type Account,
  accountRow,
  begin,
  emptyQueue,
  fail,
  finish,
  incoming,
  leaseOf,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  stateRow,
} from "../testing/world.ts";

const workers = (db: Queryable): Promise<string[]> =>
  listOf(db, "select worker_id from app_private.workers order by worker_id");

/** The worker has not beaten for `seconds` (of machine time). */
async function silent(db: Queryable, worker: string, seconds: number): Promise<void> {
  await db.query(
    "update app_private.workers set beat_at = clock_timestamp() - make_interval(secs => $2) where worker_id = $1",
    [worker, seconds],
  );
}

/** A run that `worker` holds, and the worker alive. */
async function held(db: Queryable, worker: string) {
  const account = await linkMono(db);
  await db.query("select app_private.beat($1, 'mono')", [worker]);
  return { account, lease: leaseOf(await begin(db, account, worker)) };
}

async function isInterrupted(db: Queryable, account: Account): Promise<boolean> {
  const [run] = await runRows(db, account);
  return run?.status === "failed" && run.failure_kind === "interrupted";
}

test(
  "a worker that stops beating is buried after 20 seconds, by any other, and its runs are taken back",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { account, lease } = await held(db, "dead");
    const living = await held(db, "living");
    await silent(db, "dead", 19);
    t.deepEqual(await beat(db, "undertaker", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
    await silent(db, "dead", 21);
    t.deepEqual(await beat(db, "undertaker", "mono", []), { workers_buried: 1, runs_reclaimed: 1, jobs_freed: 0 });
    t.deepEqual(await workers(db), ["living", "undertaker"]);

    t.like(await stateRow(db, account), {
      run_id: null,
      held_by: null,
      enqueued_until: null,
      epoch: lease.epoch + 1,
      next_sync_at: "2026-03-10 12:00:00+00",
      failures: 0,
      last_failure_kind: "interrupted",
    });
    t.like((await runRows(db, account))[0], {
      status: "failed",
      failure_kind: "interrupted",
      sync_completed_at: "2026-03-10 12:00:00+00",
      next_sync_at: "2026-03-10 12:00:00+00",
    });
    t.like(await accountRow(db, account), {
      sync_status: "active",
      last_synced_at: null,
      last_sync_attempt: "2026-03-10 12:00:00+00",
    });
    // Positive control: the living keep what they hold.
    t.is((await stateRow(db, living.account)).held_by, "living");
    t.is(await finish(db, living.lease), "ok");
  }),
);

test(
  "a buried worker that wakes up can write nothing, and registers again",
  withDb(async (t, db) => {
    const { account, lease } = await held(db, "sleeper");
    await silent(db, "sleeper", 60);
    await beat(db, "undertaker", "mono", []);
    t.is((await save(db, page(lease, [incoming("t1", "2026-03-05")]))).outcome, "lost");
    t.is(await finish(db, lease), "lost");
    t.is(await fail(db, lease, "transient"), "lost");
    t.deepEqual(await suspendSyncs(db, [{ ...lease, until: noon, state: {} }]), [
      { account_id: account.accountId, outcome: "lost" },
    ]);
    t.deepEqual(await beat(db, "sleeper", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
    t.deepEqual(await workers(db), ["sleeper", "undertaker"]);
    t.is((await begin(db, account, "sleeper")).epoch, lease.epoch + 2);
  }),
);

test(
  "a beat of one's own is never too late for oneself",
  withDb(async (t, db) => {
    const { account, lease } = await held(db, "late");
    await silent(db, "late", 60);
    t.deepEqual(await beat(db, "late", "mono", [account.accountId]), {
      workers_buried: 0,
      runs_reclaimed: 0,
      jobs_freed: 0,
    });
    t.is(await finish(db, lease), "ok");
  }),
);

test(
  "a virtual week kills nobody: heartbeats are machine time",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { account } = await held(db, "living");
    await setClock(db, "2026-03-17T12:00:00Z");
    t.deepEqual(await beat(db, "other", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
    t.is((await stateRow(db, account)).held_by, "living");
  }),
);

test(
  "jobs that the dead held are free again at once",
  withDb(async (t, db) => {
    await held(db, "dead");
    const living = await held(db, "living");
    const lock = "update graphile_worker._private_jobs set locked_at = now(), locked_by = $1 where key = $2";
    await db.query("update graphile_worker._private_jobs set locked_at = now(), locked_by = 'dead'");
    await db.query(lock, ["living", `sync:${living.account.accountId}`]);
    await silent(db, "dead", 60);
    await beat(db, "undertaker", "mono", []);
    t.deepEqual(await listOf(db, "select coalesce(locked_by, 'free') from graphile_worker.jobs order by id"), [
      "free",
      "living",
    ]);
  }),
);

test(
  "a run that its holder has no job for was lost on the way, and is taken back by its own beat",
  withDb(async (t, db) => {
    const lost = await held(db, "worker");
    const kept = await held(db, "worker");
    const others = await held(db, "other");
    t.deepEqual(await beat(db, "worker", "mono", [kept.account.accountId]), {
      workers_buried: 0,
      runs_reclaimed: 1,
      jobs_freed: 0,
    });
    t.true(await isInterrupted(db, lost.account));
    t.is((await stateRow(db, kept.account)).held_by, "worker");
    t.is((await stateRow(db, others.account)).held_by, "other");
    t.deepEqual(await beat(db, "worker", "mono", []), { workers_buried: 0, runs_reclaimed: 1, jobs_freed: 0 });
    t.true(await isInterrupted(db, kept.account));
  }),
);

test(
  "a worker that does not tell what it does loses nothing",
  withDb(async (t, db) => {
    const { account } = await held(db, "worker");
    await db.query("select app_private.beat('worker', 'mono')");
    t.is((await stateRow(db, account)).held_by, "worker");
  }),
);

test(
  "the lease of a worker that never registered is taken back",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await begin(db, account, "nobody");
    t.deepEqual(await beat(db, "worker", "mono", []), { workers_buried: 1, runs_reclaimed: 1, jobs_freed: 0 });
    t.true(await isInterrupted(db, account));
  }),
);

test(
  "a run that waits for its provider survives the burial, and the goodbye, of the worker that began it",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { account, lease } = await held(db, "dead");
    const until = "2026-03-10T13:00:00.000Z";
    await suspendSyncs(db, [{ ...lease, until, state: {} }]);
    const running = await held(db, "dead");
    await silent(db, "dead", 60);
    t.deepEqual(await beat(db, "undertaker", "mono", []), { workers_buried: 1, runs_reclaimed: 1, jobs_freed: 0 });
    t.true(await isInterrupted(db, running.account));
    t.like(await stateRow(db, account), {
      run_id: lease.runId,
      epoch: lease.epoch,
      next_sync_at: "2026-03-10 13:00:00+00",
    });
    t.is(await stopWorker(db, "dead"), 0);
    t.is((await runRows(db, account))[0]?.status, "in_progress");
  }),
);

test(
  "a run that waits for its provider has no holder, and nobody is buried for it",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { lease } = await held(db, "living");
    await suspendSyncs(db, [{ ...lease, until: "2026-03-10T12:05:00.000Z", state: {} }]);
    t.deepEqual(await beat(db, "living", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
  }),
);

test(
  "a goodbye hands back at once",
  withDb(async (t, db) => {
    const { account } = await held(db, "leaving");
    const other = await held(db, "staying");
    t.is(await stopWorker(db, "leaving"), 1);
    t.deepEqual(await workers(db), ["staying"]);
    t.true(await isInterrupted(db, account));
    t.is((await stateRow(db, other.account)).held_by, "staying");
    t.is(await stopWorker(db, "leaving"), 0, "once");
  }),
);

test(
  "what was saved stays saved",
  withDb(async (t, db) => {
    const { account, lease } = await held(db, "leaving");
    await save(db, page(lease, [incoming("t1", "2026-03-05")]));
    await stopWorker(db, "leaving");
    t.like((await runRows(db, account))[0], { new_count: 1, transactions_synced: 1, failure_kind: "interrupted" });
    t.is(await valueOf(db, "select count(*) from app_public.transactions"), "1");
  }),
);

test(
  "two undertakers at once bury the dead once",
  twoSessions(async (t, a, b) => {
    const { account } = await held(a, "dead");
    await silent(a, "dead", 60);
    await a.query("begin");
    t.deepEqual(await beat(a, "first", "mono", []), { workers_buried: 1, runs_reclaimed: 1, jobs_freed: 0 });
    await b.query("set lock_timeout = '50ms'");
    t.deepEqual(await beat(b, "second", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
    await a.query("commit");
    t.deepEqual(await beat(b, "second", "mono", []), { workers_buried: 0, runs_reclaimed: 0, jobs_freed: 0 });
    t.is((await runRows(a, account)).length, 1);
    t.is((await stateRow(a, account)).epoch, 2);
  }),
);

test(
  "a job that an unknown pool has held for half a minute is freed; a fresh one, and a living pool's, are not",
  withDb(async (t, db) => {
    const hold = (pool: string, seconds: number) =>
      db.query(
        `update graphile_worker._private_jobs
         set locked_by = $1, locked_at = clock_timestamp() - make_interval(secs => $2), attempts = 1
         where key = $1`,
        [pool, seconds],
      );
    await emptyQueue(db);
    await beat(db, "living", "mono", []);
    for (const [pool, seconds] of [
      ["unknown", 40],
      ["unknown and fresh", 5],
      ["living", 40],
    ] as const) {
      await db.query("select graphile_worker.add_job('mono_sync', '{}', job_key => $1)", [pool]);
      await hold(pool, seconds);
    }
    await beat(db, "living", "mono", []);
    t.deepEqual(
      await listOf(db, "select locked_by from graphile_worker._private_jobs where locked_by is not null order by 1"),
      ["living", "unknown and fresh"],
    );
  }),
);

test(
  "a job that its living holder does not know of was lost on its way, and is freed; a fresh one, a known one and others' are not",
  withDb(async (t, db) => {
    await emptyQueue(db);
    const add = async (key: string, pool: string, seconds: number): Promise<string> => {
      await db.query("select graphile_worker.add_job('mono_sync', '{}', job_key => $1)", [key]);
      return String(
        await valueOf(
          db,
          `update graphile_worker._private_jobs
           set locked_by = $2, locked_at = clock_timestamp() - make_interval(secs => $3), attempts = 1
           where key = $1 returning id`,
          [key, pool, seconds],
        ),
      );
    };
    await beat(db, "other", "mono", []);
    await add("lost", "pool", 16);
    await add("fresh", "pool", 5);
    await add("another's", "other", 16);
    const known = await add("known", "pool", 16);
    const locked = () =>
      listOf(db, "select key from graphile_worker._private_jobs where locked_by is not null order by key");
    t.is((await beat(db, "pool", "mono", [])).jobs_freed, 0, "not told");
    t.deepEqual(await locked(), ["another's", "fresh", "known", "lost"]);
    t.is((await beat(db, "pool", "mono", [], [known])).jobs_freed, 1);
    t.deepEqual(await locked(), ["another's", "fresh", "known"]);
  }),
);

for (const [what, bury] of [
  ["a burial", (db: Queryable) => beat(db, "undertaker", "mono", [])],
  ["a goodbye", (db: Queryable) => stopWorker(db, "dead")],
] as const) {
  test(
    `${what} that waits for an account has no job locked yet, as whoever holds the account may want to`,
    twoSessions(async (t, a, b) => {
      const { account } = await held(a, "dead");
      await a.query(
        "select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::text), job_key => 'sync:' || $1::text)",
        [account.accountId],
      );
      await a.query("update graphile_worker._private_jobs set locked_by = 'dead', locked_at = now()");
      await silent(a, "dead", 21);
      const pid = await valueOf(b, "select pg_backend_pid()");
      await a.query("begin");
      await a.query("select from app_private.sync_states where account_id = $1 for update", [account.accountId]);
      const burial = bury(b);
      while ((await valueOf(a, "select cardinality(pg_blocking_pids($1))", [pid])) === 0);
      await a.query("set local lock_timeout = '200ms'");
      await t.notThrowsAsync(a.query("select from graphile_worker._private_jobs where locked_by = 'dead' for update"));
      await a.query("commit");
      await burial;
      t.is(await valueOf(a, "select count(*) from graphile_worker._private_jobs where locked_by is not null"), "0");
      t.true(await isInterrupted(a, account));
    }),
  );
}
