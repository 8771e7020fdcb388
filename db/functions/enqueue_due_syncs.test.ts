import test from "ava";
import type { Client } from "pg";
import { z } from "zod";
import { enqueueDueSyncs, readiness } from "../queries/dispatch.ts";
import { suspendSyncs } from "../queries/runs.ts";
import { listOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withClonedDb, withDb } from "../testing/database.ts";
import {
  begin,
  emptyQueue,
  fail,
  finish,
  jobs,
  leaseOf,
  linkMomo,
  linkMono,
  noon,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

const enqueue = (db: Client, limit = 1000): Promise<number> => enqueueDueSyncs(db, "mono", limit);

test(
  "an account that is due gets one job, which carries its schedule",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    t.is(await enqueue(db), 1);
    const [job] = await jobs(db);
    t.like(job, {
      task: "mono_sync",
      payload: { accountId: account.accountId, dueAt: "2026-03-10T12:00:00+00:00" },
      key: `sync:${account.accountId}`,
      priority: 0,
    });
    t.is(await valueOf(db, "select payload -> 'runId' from graphile_worker._private_jobs"), null);
    t.is((await stateRow(db, account)).enqueued_until, "2026-03-10 12:10:00+00");
    t.is(await enqueue(db), 0, "it is claimed");
    t.is((await jobs(db)).length, 1);
  }),
);

test(
  "not yet due: nothing, to the second",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await linkMono(db);
    await setClock(db, "2026-03-10T11:59:59Z");
    t.is(await enqueue(db), 0);
    await setClock(db, noon);
    t.is(await enqueue(db), 1);
  }),
);

test(
  "a claim ends after ten minutes, so that a lost job is made good; the late one is then stale or its run is running",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await enqueue(db);
    await emptyQueue(db);
    await setClock(db, "2026-03-10T12:09:59Z");
    t.is(await enqueue(db), 0);
    await setClock(db, "2026-03-10T12:10:00Z");
    t.is(await enqueue(db), 1);
    const dueAt = String((await stateRow(db, account)).next_sync_at);
    const first = await tryBegin(db, { ...account, dueAt });
    if (first.outcome !== "begun") return t.fail(first.outcome);
    t.is((await tryBegin(db, { ...account, dueAt })).outcome, "running");
    await finish(db, first.details);
    t.is((await tryBegin(db, { ...account, dueAt })).outcome, "stale");
  }),
);

test(
  "a run in progress is not due, however long it takes; once closed, its schedule holds",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = await begin(db, account);
    await setClock(db, "2026-03-13T12:00:00Z");
    t.is(await enqueue(db), 0);
    await fail(db, lease, "interrupted");
    t.is(await enqueue(db), 1);
  }),
);

test(
  "a run that waits is due when its wait is over, and its job carries the run",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = leaseOf(await begin(db, account));
    await suspendSyncs(db, [{ ...lease, until: "2026-03-10T12:05:00.000Z", state: {} }]);
    await emptyQueue(db);
    t.is(await enqueue(db), 0);
    await setClock(db, "2026-03-10T12:05:00Z");
    t.is(await enqueue(db), 1);
    t.like((await jobs(db))[0], { payload: { accountId: account.accountId, runId: lease.runId } });
  }),
);

test(
  "a paused platform enqueues nothing, and the other goes on",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await linkMono(db);
    await linkMomo(db);
    await db.query("update app_private.platforms set paused_until = 'infinity' where platform_source = 'mono'");
    t.is(await enqueue(db), 0);
    t.is(await enqueueDueSyncs(db, "mtn_momo", 1000), 1);
    await db.query(
      "update app_private.platforms set paused_until = '2026-03-10 12:00:00+00' where platform_source = 'mono'",
    );
    t.is(await enqueue(db), 1);
  }),
);

test(
  "a tick is told to /readyz, also while the platform is paused or has nothing to do",
  withDb(async (t, db) => {
    const ticked = async () =>
      (await readiness(db)).map(({ platform_source, seconds_ago }) => [platform_source, seconds_ago !== null]);
    t.deepEqual(await ticked(), [
      ["mono", false],
      ["mtn_momo", false],
    ]);
    await db.query("update app_private.platforms set paused_until = 'infinity' where platform_source = 'mono'");
    await enqueue(db);
    t.deepEqual(await ticked(), [
      ["mono", true],
      ["mtn_momo", false],
    ]);
    await enqueueDueSyncs(db, "mtn_momo", 1000);
    t.true(
      (await readiness(db)).every(({ seconds_ago }) => seconds_ago !== null && seconds_ago >= 0 && seconds_ago < 60),
    );
  }),
);

test(
  "the limit holds, and the longest due go first",
  withDb(async (t, db) => {
    const late = ["2026-03-10T11:00:00Z", "2026-03-10T09:00:00Z", "2026-03-10T10:00:00Z"];
    const accounts = [];
    for (const dueAt of late) {
      await setClock(db, dueAt);
      accounts.push(await linkMono(db));
    }
    await emptyQueue(db);
    await setClock(db, noon);
    t.is(await enqueue(db, 2), 2);
    const enqueued = await listOf(db, "select payload ->> 'accountId' from graphile_worker._private_jobs order by 1");
    t.deepEqual(
      enqueued,
      [accounts[1]?.accountId, accounts[2]?.accountId].map(String).toSorted((a, b) => (a < b ? -1 : 1)),
    );
    t.is(await enqueue(db, 2), 1);
    t.is(await enqueue(db, 2), 0);
  }),
);

test(
  "two dispatchers at once: neither waits for the other, and each account is enqueued once",
  twoSessions(async (t, a, b) => {
    for (let n = 0; n < 5; n += 1) await linkMono(a);
    await emptyQueue(a);
    await a.query("begin");
    t.is(await enqueue(a, 3), 3);
    await b.query("set lock_timeout = '50ms'");
    t.is(await enqueue(b), 2);
    t.is(await enqueue(b), 0);
    await a.query("commit");
    t.is(await enqueue(b), 0);
    t.is(
      await valueOf(
        a,
        "select count(distinct payload ->> 'accountId') || ' of ' || count(*) from graphile_worker._private_jobs",
      ),
      "5 of 5",
    );
  }),
);

test(
  "a claim and its job exist together or not at all",
  twoSessions(async (t, a, b) => {
    await linkMono(a);
    await emptyQueue(a);
    await a.query("begin");
    t.is(await enqueue(a), 1);
    await a.query("rollback");
    t.deepEqual(await jobs(b), []);
    t.is(await enqueue(b), 1);
  }),
);

const buffers = z.tuple([
  z.object({
    "QUERY PLAN": z.tuple([
      z.object({ Plan: z.object({ "Shared Hit Blocks": z.number(), "Shared Read Blocks": z.number() }) }),
    ]),
  }),
]);

/** Pages that one tick looks at. */
async function pagesOfTick(db: Client): Promise<number> {
  const { rows } = await db.query(
    "explain (analyze, buffers, format json) select app_private.enqueue_due_syncs('mono')",
  );
  const [
    {
      "QUERY PLAN": [{ Plan }],
    },
  ] = buffers.parse(rows);
  return Plan["Shared Hit Blocks"] + Plan["Shared Read Blocks"];
}

/** That many more accounts, in bulk and past the verb. */
async function addAccounts(db: Client, count: number, nextSyncAt: string): Promise<void> {
  await db.query(
    `with added as (
       insert into app_public.accounts (user_id, account_name, account_type, platform_source, currency, mono_account_id, linked_at)
       select gen_random_uuid(), 'Generated', 'bank', 'mono', 'NGN', gen_random_uuid()::text, now() from generate_series(1, $1)
       returning id
     )
     insert into app_private.sync_states (account_id, platform_source, next_sync_at) select id, 'mono', $2 from added`,
    [count, nextSyncAt],
  );
  await db.query("vacuum (analyze) app_private.sync_states");
}

test(
  "a tick costs what is due, not how many accounts there are",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await setClock(db, noon);
    await addAccounts(db, 100, "2026-03-11T12:00:00Z");
    // Not measured: the first call of a session, or after an analyze, reads its catalogues.
    await pagesOfTick(db);
    const few = await pagesOfTick(db);
    await addAccounts(db, 20_000, "2026-03-11T12:00:00Z");
    await pagesOfTick(db);
    const idle = await pagesOfTick(db);
    t.true(idle <= few + 5, `${few} pages with 100 accounts, ${idle} with 20,000`);

    // The statement inside is out of explain's sight; its counter is not.
    const scans = async () =>
      Number(
        await valueOf(
          db,
          "select idx_scan from pg_stat_user_indexes where indexrelname = 'sync_states_dispatch_idx' and pg_stat_clear_snapshot() is not null",
        ),
      );
    const sequential = async () =>
      Number(await valueOf(db, "select seq_scan from pg_stat_user_tables where relname = 'sync_states'"));
    await db.query("select pg_stat_force_next_flush()");
    const [scansBefore, sequentialBefore] = [await scans(), await sequential()];
    await pagesOfTick(db);
    await db.query("select pg_stat_force_next_flush()");
    t.is((await scans()) - scansBefore, 1);
    t.is((await sequential()) - sequentialBefore, 0);

    // Positive control: what is due does cost.
    await addAccounts(db, 500, "2026-03-10T12:00:00Z");
    t.true((await pagesOfTick(db)) > idle + 500);
    t.is((await jobs(db)).length, 500);
  }),
);
