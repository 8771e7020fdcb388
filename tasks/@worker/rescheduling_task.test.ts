import test from "ava";
import { runOnce, type Task } from "graphile-worker";
import { workerLogger } from "../../db/log.ts";
import { listOf, valueOf } from "../../db/testing/ask.ts";
import { completion } from "./completion.ts";
import { reschedulingTask } from "./rescheduling_task.ts";
import { atWorkplace, type Workplace } from "./testing/workplace.ts";

/** Accounts that are due tomorrow, and no job. */
async function link({ owner, link: linkOne }: Workplace, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) await linkOne();
  await owner.query("update app_private.sync_states set next_sync_at = app_private.clock() + interval '20 hours'");
  await owner.query("set role app_worker");
  await owner.query("select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))");
  await owner.query("set role app_owner");
}

const change = ({ owner }: Workplace): Promise<unknown> =>
  valueOf(owner, "select app_admin.override_platform_interval('mono', '1 hour', 'a test')");

/** Every job that is ready and those that they add; answers how many there were. */
async function run({ runtime }: Workplace, task: Task): Promise<number> {
  let jobs = 0;
  const counted: Task = async (payload, helpers) => {
    jobs += 1;
    await task(payload, helpers);
  };
  await runOnce(
    { pgPool: runtime.db, noHandleSignals: true, logger: workerLogger(runtime.log), preset: { worker: completion } },
    { reschedule_accounts: counted },
  );
  return jobs;
}

/** Accounts that are due within the time of the change. */
const reached = ({ owner }: Workplace): Promise<unknown> =>
  valueOf(
    owner,
    "select count(*)::int from app_private.sync_states where next_sync_at < app_private.clock() + interval '2 hours'",
  );

const outcomes = ({ lines }: Workplace): unknown[] =>
  lines.filter(({ msg }) => msg === "accounts scheduled anew").map((line) => line["outcome"]);

test.serial(
  "a change goes through all accounts in jobs of some batches each, and the log tells how far it is",
  atWorkplace({}, async (t, workplace) => {
    await link(workplace, 7);
    t.is(await change(workplace), 7);
    t.is(await reached(workplace), 0);
    t.is(
      await run(workplace, reschedulingTask({ accounts: 2, batches: 2 })),
      3,
      "two, two, and one that finds no more",
    );
    t.is(await reached(workplace), 7);
    t.deepEqual(outcomes(workplace), ["more", "more", "more", "done"]);
    t.like(
      workplace.lines.findLast(({ msg }) => msg === "accounts scheduled anew"),
      {
        platform: "mono",
        accounts: 7,
        gone_through: 7,
        rescheduled: 7,
      },
    );
    t.deepEqual(await workplace.jobs(), []);
    await workplace.addJob("reschedule_accounts", {});
    t.is(await run(workplace, reschedulingTask({ accounts: 2, batches: 2 })), 1);
    t.is(outcomes(workplace).length, 4, "and there is nothing to tell when nothing was changed");
  }),
);

test.serial(
  "a worker that is stopped hands on what is left",
  atWorkplace({}, async (t, workplace) => {
    await link(workplace, 3);
    await change(workplace);
    const task = reschedulingTask({ accounts: 1, batches: 100 });
    let stopped = false;
    const stoppedOnce: Task = async (payload, helpers) => {
      const abortSignal = stopped ? helpers.abortSignal : AbortSignal.abort();
      stopped = true;
      await task(payload, { ...helpers, ...(abortSignal === undefined ? {} : { abortSignal }) });
    };
    t.is(await run(workplace, stoppedOnce), 2);
    t.is(await reached(workplace), 3);
  }),
);

test.serial(
  "a job that is lost with its worker is made good by the next tick of the clock",
  atWorkplace({}, async (t, workplace) => {
    const { owner } = workplace;
    await link(workplace, 3);
    await change(workplace);
    await owner.query("select app_private.reschedule_accounts('mono', 1)");
    await owner.query("set role app_worker");
    await owner.query(
      "update graphile_worker._private_jobs set locked_at = now(), locked_by = 'a dead one', attempts = 1",
    );
    t.is(await run(workplace, reschedulingTask({ accounts: 1, batches: 100 })), 0, "the control");
    // As the crontab has it.
    await owner.query(
      "select graphile_worker.add_job('reschedule_accounts', null, job_key => 'reschedule_accounts', max_attempts => 3)",
    );
    t.is(await run(workplace, reschedulingTask({ accounts: 1, batches: 100 })), 1);
    await owner.query("set role app_owner");
    t.is(await reached(workplace), 3);
    t.deepEqual(await listOf(owner, "select gone_through from app_admin.reschedulings"), ["3"]);
  }),
);
