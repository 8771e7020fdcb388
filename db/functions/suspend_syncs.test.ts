import test from "ava";
import { type Lease, resumeSyncs, suspendSyncs } from "../queries/runs.ts";
import type { Queryable } from "../queryable.ts";
import { valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import {
  type Account,
  begin,
  emptyQueue,
  fail,
  finish,
  incoming,
  jobs,
  leaseOf,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

const inAnHour = "2026-03-10T13:00:00.000Z";
const inTenSeconds = "2026-03-10T12:00:10.000Z";

async function suspend(db: Queryable, lease: Lease, until = inAnHour): Promise<string> {
  const { accountId, runId, epoch } = lease;
  const [answer] = await suspendSyncs(db, [{ accountId, runId, epoch, until, state: { job: "rt-1" } }]);
  return answer?.outcome ?? "no answer";
}

async function resume(db: Queryable, { accountId, runId }: Lease, platform: "mono" | "mtn_momo" = "mono") {
  const [answer] = await resumeSyncs(db, platform, "worker-2", [{ accountId, runId }]);
  if (answer === undefined) throw new Error("resume_syncs answered nothing");
  return answer;
}

async function begun(db: Queryable): Promise<{ account: Account; lease: Lease }> {
  await setClock(db, noon);
  const account = await linkMono(db);
  await emptyQueue(db);
  return { account, lease: leaseOf(await begin(db, account)) };
}

test(
  "a suspended run stays open, held by nobody, and is due when its wait is over",
  withDb(async (t, db) => {
    const { account, lease } = await begun(db);
    t.is(await suspend(db, lease), "ok");
    t.like(await stateRow(db, account), {
      run_id: lease.runId,
      held_by: null,
      next_sync_at: "2026-03-10 13:00:00+00",
      enqueued_until: null,
      provider_state: { job: "rt-1" },
    });
    t.is((await runRows(db, account))[0]?.status, "in_progress");
    t.deepEqual(await jobs(db), [], "a long wait follows the business clock, by the dispatcher");
  }),
);

test(
  "a wait of under a minute gets a job of its own",
  withDb(async (t, db) => {
    const { account, lease } = await begun(db);
    t.is(await suspend(db, lease, inTenSeconds), "ok");
    t.like((await jobs(db))[0], {
      task: "mono_sync",
      payload: { accountId: account.accountId, runId: lease.runId },
      key: `sync:${account.accountId}`,
    });
    t.is(await valueOf(db, "select (run_at - now())::text from graphile_worker.jobs"), "00:00:10");
  }),
);

test(
  "while a run waits, no other is begun, and its old lease writes nothing",
  withDb(async (t, db) => {
    const { account, lease } = await begun(db);
    await suspend(db, lease);
    t.is((await tryBegin(db, account)).outcome, "running");
    t.is((await save(db, page(lease, [incoming("t1", "2026-03-05")]))).outcome, "lost");
    t.is(await finish(db, lease), "lost");
    t.is(await fail(db, lease, "transient"), "lost");
    t.is(await suspend(db, lease), "lost");
    t.is((await stateRow(db, account)).next_sync_at, "2026-03-10 13:00:00+00");
  }),
);

test(
  "resumed under a new epoch, with the memory it left; the old epoch stays lost",
  withDb(async (t, db) => {
    const { account, lease } = await begun(db);
    await suspend(db, lease);
    const resumed = await resume(db, lease);
    if (resumed.outcome !== "begun") return t.fail(resumed.outcome);
    t.like(resumed.details, { runId: lease.runId, epoch: lease.epoch + 1, state: { job: "rt-1" } });
    t.like(await stateRow(db, account), { held_by: "worker-2", enqueued_until: "infinity" });
    t.is((await save(db, page(lease, [incoming("t1", "2026-03-05")]))).outcome, "lost");
    t.is(await suspend(db, lease), "lost");
    t.is(await finish(db, lease), "lost");
    t.is((await save(db, page(resumed.details, [incoming("t1", "2026-03-05")]))).outcome, "ok");
    t.is(await finish(db, resumed.details), "ok");
    t.is((await runRows(db, account)).length, 1);
  }),
);

test(
  "running: resumed by another already",
  withDb(async (t, db) => {
    const { lease } = await begun(db);
    t.is((await resume(db, lease)).outcome, "running", "it was never suspended");
    await suspend(db, lease);
    t.is((await resume(db, lease)).outcome, "begun");
    t.like(await resume(db, lease), { outcome: "running", details: null });
  }),
);

test(
  "stale: the run is closed, whether or not there is another; so is one that never was",
  withDb(async (t, db) => {
    const { account, lease } = await begun(db);
    await finish(db, lease);
    t.like(await resume(db, lease), { outcome: "stale", details: null });
    const next = await begin(db, account);
    await suspend(db, next);
    t.is((await resume(db, lease)).outcome, "stale");
    const nobody = { ...lease, accountId: "99999999-9999-4999-8999-999999999999" };
    t.is((await resume(db, nobody)).outcome, "stale");
    t.is((await resume(db, next)).outcome, "begun");
  }),
);

test(
  "another platform's task does not resume it",
  withDb(async (t, db) => {
    const { lease } = await begun(db);
    await suspend(db, lease);
    t.is((await resume(db, lease, "mtn_momo")).outcome, "wrong_platform");
    t.is((await resume(db, lease)).outcome, "begun");
  }),
);

test(
  "busy: while another resumption is not committed, nobody waits for it",
  twoSessions(async (t, a, b) => {
    const { lease } = await begun(a);
    await suspend(a, lease);
    await a.query("begin");
    t.is((await resume(a, lease)).outcome, "begun");
    await b.query("set lock_timeout = '50ms'");
    t.is((await resume(b, lease)).outcome, "busy");
    await a.query("rollback");
    t.is((await resume(b, lease)).outcome, "begun");
  }),
);

test(
  "one call for many: a lost lease fails none of its neighbours",
  withDb(async (t, db) => {
    const first = await begun(db);
    const second = await begun(db);
    const state = {};
    const answers = await suspendSyncs(db, [
      { ...first.lease, epoch: 0, until: inTenSeconds, state },
      { ...second.lease, until: inTenSeconds, state },
    ]);
    t.deepEqual(answers, [
      { account_id: first.account.accountId, outcome: "lost" },
      { account_id: second.account.accountId, outcome: "ok" },
    ]);
    t.is((await stateRow(db, first.account)).held_by, "worker-1");
    t.is((await jobs(db)).filter(({ task }) => task === "mono_sync").length, 1);
    t.deepEqual(await suspendSyncs(db, []), []);
  }),
);
