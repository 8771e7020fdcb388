import { EventEmitter, once } from "node:events";
import test from "ava";
import { parseEnvironment } from "../../db/environment.ts";
import { listOf, valueOf } from "../../db/testing/ask.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { linkNewAccount, type NewLink } from "../@linking/link_new_account.ts";
import { currentRuntime, provideRuntime } from "./current_runtime.ts";
import { RunnerEndedError, startRunners } from "./runners.ts";
import { createRuntime, type RunReport, type Runtime, SetUpError } from "./runtime.ts";
import { createTestRuntime, fakePlatform, newKeyring } from "./testing/workplace.ts";

const quiet = fakePlatform(async function* (_, context) {
  yield await Promise.resolve({ kind: "data_as_of" as const, asOf: context.now().toISOString() });
});

/** A runtime, and the next run that ends in it. */
function openRuntime(
  cloned: ClonedDb,
  options: { beatEveryMs?: number } = {},
): { runtime: Runtime; nextRun: () => Promise<RunReport> } {
  const waiting: ((report: RunReport) => void)[] = [];
  const runtime = createTestRuntime(cloned, {
    log: unreadLog(),
    keyring: newKeyring(),
    platforms: { mono: quiet, mtn_momo: quiet },
    onRun: (report) => waiting.shift()?.(report),
    ...options,
  });
  return { runtime, nextRun: () => new Promise((next) => void waiting.push(next)) };
}

const userId = "a0000000-0000-4000-8000-000000000001";
const bank: NewLink = { userId, platform: "mono", accountName: "Bank", currency: "NGN", externalId: "abc" };
const wallet: NewLink = {
  userId,
  platform: "mtn_momo",
  accountName: "Till",
  currency: "EUR",
  externalId: "def",
  baseUrl: "https://momo.example",
  targetEnvironment: "sandbox",
};

test.serial(
  "each platform and each push channel has its runner, and stopping ends them all and says goodbye",
  withClonedDb(async (t, cloned) => {
    const { runtime, nextRun } = openRuntime(cloned);
    const runners = await startRunners({ runtime, platforms: ["mono", "mtn_momo"], concurrency: 2 });
    for (const link of [bank, wallet]) {
      const run = nextRun();
      await linkNewAccount(runtime.db, runtime.keyring, link);
      t.like(await run, { platform: link.platform, outcome: { kind: "success" } });
    }
    const owner = await cloned.connect("app_owner");
    t.deepEqual(await listOf(owner, "select runner from app_private.workers order by runner"), [
      "general",
      "mono",
      "mtn_momo",
      "onesignal",
      "web_push",
    ]);

    await Promise.all([runners.stop(), runners.stop()]);
    await t.notThrowsAsync(runners.ended);
    await runtime.close();
    t.is(await valueOf(owner, "select count(*)::int from app_private.workers"), 0);
    t.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 0);
    provideRuntime(undefined);
  }),
);

test.serial(
  "a worker of one platform leaves the other's jobs alone",
  withClonedDb(async (t, cloned) => {
    const { runtime, nextRun } = openRuntime(cloned);
    const runners = await startRunners({ runtime, platforms: ["mtn_momo"], concurrency: 2 });
    await linkNewAccount(runtime.db, runtime.keyring, bank);
    const run = nextRun();
    await linkNewAccount(runtime.db, runtime.keyring, wallet);
    t.like(await run, { platform: "mtn_momo" });
    await runners.stop();
    await runtime.close();
    const owner = await cloned.connect("app_owner");
    t.deepEqual(await listOf(owner, "select task_identifier from graphile_worker.jobs"), ["mono_sync"]);
    provideRuntime(undefined);
  }),
);

test.serial(
  "when one runner ends by itself, the others are stopped and the end is told as an error",
  withClonedDb(async (t, cloned) => {
    const { runtime } = openRuntime(cloned);
    const migrator = await cloned.connect("app_worker");
    // A job that cannot be completed: graphile-worker gives up the runner that ran it.
    await migrator.query(
      "create function graphile_worker.refuse() returns trigger language plpgsql as $$ begin raise 'no'; end $$",
    );
    await migrator.query(
      "create trigger refuse before delete on graphile_worker._private_jobs for each row execute function graphile_worker.refuse()",
    );
    const runners = await startRunners({ runtime, platforms: ["mono", "mtn_momo"], concurrency: 1 });
    await linkNewAccount(runtime.db, runtime.keyring, bank);
    await t.throwsAsync(runners.ended, { instanceOf: RunnerEndedError });
    await t.notThrowsAsync(runners.stop());
    await runtime.close();
    provideRuntime(undefined);
  }),
);

test.serial(
  "a pool that would wait for ever for completions that failed is ended by force",
  withClonedDb(async (t, cloned) => {
    const ended = new EventEmitter();
    const runtime = createTestRuntime(cloned, {
      log: unreadLog(),
      keyring: newKeyring(),
      platforms: { mono: quiet },
      onRun: () => void ended.emit("run"),
    });
    const holder = await cloned.connect("app_worker");
    await holder.query(
      `create function graphile_worker.refuse() returns trigger language plpgsql as $$
       begin perform pg_advisory_xact_lock_shared(1); raise 'no'; end $$`,
    );
    await holder.query(
      "create trigger refuse before delete on graphile_worker._private_jobs for each row execute function graphile_worker.refuse()",
    );
    await holder.query("select pg_advisory_lock(1)");
    const runners = await startRunners({ runtime, platforms: ["mono"], concurrency: 2, stopWithinMs: 500 });
    // Two completions of different batches wait for this lock, and fail together.
    const waiting = "select count(*)::int from pg_locks where locktype = 'advisory' and not granted";
    for (const [nth, externalId] of ["one", "two"].entries()) {
      const run = once(ended, "run");
      await linkNewAccount(runtime.db, runtime.keyring, { ...bank, externalId });
      await run;
      while ((await valueOf(holder, waiting)) !== nth + 1);
    }
    await holder.query("select pg_advisory_unlock(1)");
    await t.throwsAsync(runners.ended, { instanceOf: RunnerEndedError });
    await t.notThrowsAsync(runners.stop());
    await runtime.close();
    provideRuntime(undefined);
  }),
);

test.serial(
  "under graphile-worker's own command, a runtime that could not be made is tried again by the next job",
  withClonedDb(async (t, cloned) => {
    const before = { ...process.env };
    t.teardown(() => {
      process.env = before;
    });
    provideRuntime(undefined);
    process.env["DATABASE_URL"] = "";
    await t.throwsAsync(currentRuntime(), { instanceOf: SetUpError });
    process.env["DATABASE_URL"] = cloned.url;
    process.env["TIDEMARK_ENCRYPTION_KEYS"] = `test:${newKeyring().current.key.toString("base64")}`;
    process.env["LOG_LEVEL"] = "silent";
    const runtime = await currentRuntime();
    t.is(await currentRuntime(), runtime);
    await runtime.close();
    provideRuntime(undefined);
  }),
);

test(
  "closing closes everything, even when the goodbye fails",
  withClonedDb(async (t, cloned) => {
    const runtime = await createRuntime({
      environment: parseEnvironment({
        DATABASE_URL: cloned.url,
        TIDEMARK_ENCRYPTION_KEYS: `test:${newKeyring().current.key.toString("base64")}`,
      }),
      log: unreadLog(),
      concurrency: 1,
    });
    await runtime.heartbeats.working("pool-1", "mono", "account-1");
    const owner = await cloned.connect("app_owner");
    await owner.query("alter function app_private.stop_worker(text) rename to stop_worker_away");
    await t.throwsAsync(runtime.close(), { code: "42883" });
    t.true(runtime.db.ended);
  }),
);

test.serial(
  "a job that a dropped connection took on its way to us is found by a beat, and run",
  withClonedDb(async (t, cloned) => {
    const { runtime, nextRun } = openRuntime(cloned, { beatEveryMs: 50 });
    const runners = await startRunners({ runtime, platforms: ["mono"], concurrency: 1 });
    try {
      const first = nextRun();
      const { accountId } = await linkNewAccount(runtime.db, runtime.keyring, bank);
      await first;
      const owner = await cloned.connect("app_owner");
      const again = nextRun();
      // What remains when the statement that takes a job commits and its answer never arrives.
      await owner.query("begin");
      await owner.query("select graphile_worker.add_job('mono_sync', json_build_object('accountId', $1::text))", [
        accountId,
      ]);
      await owner.query(
        `update graphile_worker._private_jobs
         set locked_by = (select worker_id from app_private.workers where runner = 'mono'),
           locked_at = clock_timestamp() - interval '16 seconds', attempts = attempts + 1
         where task_id = (select id from graphile_worker._private_tasks where identifier = 'mono_sync') and locked_by is null`,
      );
      await owner.query("commit");
      t.like(await again, { accountId, outcome: { kind: "success" } });
    } finally {
      await runners.stop();
      await runtime.close();
    }
  }),
);
