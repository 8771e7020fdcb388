import test from "ava";
import { run, runOnce, type TaskList } from "graphile-worker";
import { workerLogger } from "../../db/log.ts";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import { rowOf, valueOf } from "../../db/testing/ask.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { completion } from "./completion.ts";
import { payloads } from "./payloads.ts";
import { runSync } from "./run_sync.ts";
import type { Runtime } from "./runtime.ts";
import { createTestRuntime, fakePlatform, newKeyring } from "./testing/workplace.ts";

const ACCOUNTS = 2_000;

/** A quiet sync, which asks nobody. */
const quiet = fakePlatform(async function* (_, context) {
  yield await Promise.resolve({ kind: "data_as_of" as const, asOf: context.now().toISOString() });
});

const taskListOf = (runtime: Runtime): TaskList => ({
  mono_sync: async (raw, { job, abortSignal }) => {
    if (job.locked_by === null) throw new Error("a job that runs is locked");
    await runSync(runtime, "mono", payloads.sync.parse(raw), { worker: job.locked_by, stopping: abortSignal });
  },
});

test(
  "two dispatchers and four workers over 2,000 due accounts: every account exactly one run",
  withClonedDb(async (t, cloned) => {
    const owner = await cloned.connect("app_owner");
    await owner.query(
      `select app_private.link_account(json_build_object(
         'accountId', gen_random_uuid(), 'userId', gen_random_uuid(), 'platform', 'mono', 'accountName', 'Account ' || n,
         'currency', 'NGN', 'externalId', 'account-' || n, 'historyDays', 3))
       from generate_series(1, $1::int) n`,
      [ACCOUNTS],
    );
    const worker = await cloned.connect("app_worker");
    // Linking adds a job each. Here the dispatchers do.
    await worker.query("select graphile_worker.complete_jobs(array(select id from graphile_worker.jobs))");
    t.is(await valueOf(worker, "select count(*)::int from graphile_worker.jobs"), 0);

    const keyring = newKeyring();
    const log = unreadLog();
    let ended = 0;
    const { promise: allEnded, resolve } = Promise.withResolvers<void>();
    const runtimes = Array.from({ length: 4 }, () =>
      createTestRuntime(cloned, {
        log,
        keyring,
        platforms: { mono: quiet },
        onRun: () => {
          ended += 1;
          if (ended === ACCOUNTS) resolve();
        },
      }),
    );
    const shared = { noHandleSignals: true, logger: workerLogger(log), preset: { worker: completion } };
    const runners = await Promise.all(
      runtimes.map((runtime) =>
        run({ pgPool: runtime.db, concurrency: 8, ...shared, pollInterval: 100 }, taskListOf(runtime), []),
      ),
    );
    const dispatch = async (): Promise<number> => {
      const connection = await cloned.connect("app_worker");
      let total = 0;
      for (;;) {
        const enqueued = await enqueueDueSyncs(connection, "mono", 60);
        total += enqueued;
        if (enqueued === 0) return total;
      }
    };
    const dispatched = await Promise.all([dispatch(), dispatch()]);
    t.is(dispatched[0] + dispatched[1], ACCOUNTS, "each due account was dispatched once");
    t.true(Math.min(...dispatched) > 0, "both dispatchers took part");

    await allEnded;
    await Promise.all(runners.map((runner) => runner.stop()));
    // Whatever they left would run here, and be seen in the counts.
    const [first] = runtimes;
    if (first !== undefined) await runOnce({ pgPool: first.db, ...shared }, taskListOf(first));
    await Promise.all(runtimes.map((runtime) => runtime.close()));

    t.deepEqual(
      await rowOf(
        owner,
        `select count(*)::int as runs, count(distinct account_id)::int as accounts,
           count(*) filter (where status = 'success')::int as successes
         from app_public.sync_logs`,
      ),
      { runs: ACCOUNTS, accounts: ACCOUNTS, successes: ACCOUNTS },
    );
    t.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 0, "the queue is empty");
    t.is(
      await valueOf(
        owner,
        `select count(*)::int from app_private.sync_states
         where run_id is not null or held_by is not null or enqueued_until is not null or next_sync_at <= app_private.clock()`,
      ),
      0,
      "nothing is held, claimed or due",
    );
  }),
);
