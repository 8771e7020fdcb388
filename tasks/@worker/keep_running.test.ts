import { EventEmitter, once } from "node:events";
import test from "ava";
import { keepRunning } from "./keep_running.ts";
import type { Runtime } from "./runtime.ts";
import { atWorkplace, fakePlatform } from "./testing/workplace.ts";

const ran = new EventEmitter();

/** Nothing to tell; that it was asked is the point. */
const quiet = fakePlatform(async function* (account) {
  await Promise.resolve();
  ran.emit("run", account.accountId);
  yield { kind: "state", state: {} };
});

function startWorking(runtime: Runtime, options: { hearWithinMs?: number } = {}) {
  const stopping = new AbortController();
  const { promise: started, resolve: onStarted } = Promise.withResolvers<void>();
  const working = keepRunning({
    runtime,
    platforms: ["mono"],
    concurrency: 2,
    stopping: stopping.signal,
    onStarted,
    ...options,
  });
  return { stopping, started, working };
}

test.serial(
  "every connection cut at once, three times over: the accounts are synced again",
  atWorkplace({ mono: quiet }, async (t, { runtime, cloned, link, owner }) => {
    const { stopping, started, working } = startWorking(runtime);
    try {
      const first = once(ran, "run");
      const id = await link();
      t.deepEqual(await first, [id]);

      const superior = await cloned.connect();
      // A first start that fails is the operator's to mend, and not tried again.
      await started;
      for (let cut = 0; cut < 3; cut += 1) {
        const { rowCount } = await superior.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and pid <> pg_backend_pid() and application_name not like 'test %'`,
        );
        t.true(Number(rowCount) > 0);
        // Whether the cut met a run or not: the job asked for here, or the one that the next beat asks for, runs it.
        const again = once(ran, "run");
        await owner.query(
          "select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::text), job_key => 'sync:' || $1::text)",
          [id],
        );
        t.deepEqual(await again, [id]);
      }
    } finally {
      stopping.abort();
      await working;
    }
    // Each pool has said goodbye, and none of its jobs is left to a four-hour sweep.
    await runtime.heartbeats.stop();
    t.deepEqual((await owner.query("select from app_private.workers")).rows, []);
    t.deepEqual((await owner.query("select from graphile_worker.jobs where locked_at is not null")).rows, []);
  }),
);

test.serial(
  "no connection to be had for a while: the worker complains, and works again when there is",
  atWorkplace({ mono: quiet }, async (t, { runtime, cloned, link, lines }) => {
    const superior = await cloned.connect();
    const limit = async (connections: number) => {
      await superior.query(
        `do $$ begin execute format('alter database %I connection limit ${connections}', current_database()); end $$`,
      );
    };
    const { stopping, started, working } = startWorking(runtime);
    try {
      const first = once(ran, "run");
      const id = await link();
      await first;
      await started;
      await limit(0);
      await superior.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name not like 'test %'`,
      );
      while (!lines.some((line) => JSON.stringify(line).includes("too many connections")))
        await superior.query("select");
      await limit(-1);
      const again = once(ran, "run");
      await superior.query("select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::text))", [
        id,
      ]);
      t.deepEqual(await again, [id]);
    } finally {
      await limit(-1);
      stopping.abort();
      await working;
    }
  }),
);

test.serial(
  "runners whose first question for jobs failed are started anew, and take jobs",
  atWorkplace({ mono: quiet }, async (t, { runtime, cloned, link, lines }) => {
    const superior = await cloned.connect();
    await superior.query("alter table graphile_worker._private_tasks rename to _private_tasks_away");
    const { stopping, working } = startWorking(runtime, { hearWithinMs: 1_000 });
    try {
      while (!lines.some((line) => JSON.stringify(line).includes("Failed to acquire job")))
        await superior.query("select");
      await superior.query("alter table graphile_worker._private_tasks_away rename to _private_tasks");
      const run = once(ran, "run");
      const id = await link();
      t.deepEqual(await run, [id]);
    } finally {
      stopping.abort();
      await working;
    }
  }),
);

test.serial(
  "a worker that cannot start at all says so and does not try for ever",
  atWorkplace({ mono: quiet }, async (t, { runtime, cloned }) => {
    const superior = await cloned.connect();
    await superior.query("alter schema graphile_worker rename to graphile_worker_away");
    try {
      const stopping = new AbortController();
      await t.throwsAsync(keepRunning({ runtime, platforms: ["mono"], concurrency: 1, stopping: stopping.signal }));
    } finally {
      await superior.query("alter schema graphile_worker_away rename to graphile_worker");
    }
  }),
);
