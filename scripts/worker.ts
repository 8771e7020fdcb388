/**
 * `npm run worker`: syncs accounts until it is told to stop.
 *
 *   npm run worker                         every platform that has keys
 *   npm run worker -- --platform mono      one platform (may be repeated)
 *   npm run worker -- --concurrency 16     jobs at once, for each platform (8)
 *   npm run worker -- --nice 0             yields to nobody on this machine (10)
 */

import { getPriority, setPriority } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { loadEnvironment } from "../db/environment.ts";
import { createLog, type Log } from "../db/log.ts";
import { type PlatformSource, platformSource } from "../db/queries/runs.ts";
import { listenForMetrics, type MetricsListener } from "../tasks/@metrics/listen.ts";
import { createRuntime } from "../tasks/@worker/runtime.ts";
import { keepRunning } from "../tasks/@worker/keep_running.ts";
import { isPostgresStarting } from "../tasks/@worker/postgres_is_starting.ts";
import { readCommandLine } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run worker: runs jobs until it is told to stop.
  --platform mono|mtn_momo   one platform only; may be repeated (default: each that has keys)
  --concurrency N            jobs at once, for each platform (8)
  --nice N                   how far it yields to other processes of the machine, 0 to 19 (10)`;

async function main(): Promise<void> {
  const { platforms: wanted, concurrency, nice, deadlineMs } = readArguments();
  const environment = loadEnvironment();
  const log = createLog({ level: environment.LOG_LEVEL, process: "worker" });
  yieldToOthers(nice, log);
  const runtime = await patiently(log, () =>
    createRuntime({ environment, log, concurrency: concurrency * platformSource.options.length, deadlineMs }),
  );
  const platforms = (wanted ?? platformSource.options).filter((platform) => runtime.platforms.has(platform));
  for (const platform of wanted ?? platformSource.options) {
    if (!platforms.includes(platform)) log.warn({ platform }, "this platform is off: there are no keys for it");
  }
  const stopping = new AbortController();
  const stop = () => stopping.abort();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  let listener: MetricsListener | null = null;
  try {
    listener = await listenForMetrics(environment, runtime.metrics, log);
    if (listener !== null) log.info({ url: listener.url }, "metrics are served");
    await keepRunning({
      runtime,
      platforms,
      concurrency,
      stopping: stopping.signal,
      onStarted: () => log.info({ platforms, concurrency }, "worker started"),
    });
  } finally {
    await listener?.close();
    await runtime.close();
  }
  log.info("worker stopped");
}

/**
 * Where a server runs on the same machine and under the same scheduler's group, people wait for it; nobody waits for one sync among
 * thousands. It is for the thread that runs JavaScript: on Linux a priority is a thread's, and those of the collector have theirs already.
 */
function yieldToOthers(nice: number, log: Log): void {
  try {
    if (getPriority() < nice) setPriority(nice);
  } catch (error) {
    log.warn({ err: error }, "the worker's priority could not be lowered");
  }
}

/** A Postgres that is just starting is waited for, as long as a restart may take. */
async function patiently<T>(log: Log, start: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (!isPostgresStarting(error) || attempt === 60) throw error;
      if (attempt === 1) log.warn("waiting for Postgres, which is just starting");
      await pause(1_000);
    }
  }
}

function readArguments(): {
  platforms: PlatformSource[] | undefined;
  concurrency: number;
  nice: number;
  deadlineMs: number | undefined;
} {
  const { values } = readCommandLine(HELP, {
    options: {
      platform: { type: "string", multiple: true },
      concurrency: { type: "string", default: "8" },
      nice: { type: "string", default: "10" },
      // For the soak, whose simulators leave requests unanswered by the hundred: how long one request may take.
      "deadline-ms": { type: "string" },
    },
  });
  const concurrency = Number(values.concurrency);
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 200) {
    throw new UsageError("--concurrency takes a whole number from 1 to 200.");
  }
  const nice = Number(values.nice);
  if (!Number.isInteger(nice) || nice < 0 || nice > 19)
    throw new UsageError("--nice takes a whole number from 0 to 19.");
  const deadline = values["deadline-ms"];
  const deadlineMs = deadline === undefined ? undefined : Number(deadline);
  if (deadlineMs !== undefined && !(Number.isInteger(deadlineMs) && deadlineMs >= 1 && deadlineMs <= 60_000)) {
    throw new UsageError("--deadline-ms takes a whole number from 1 to 60000.");
  }
  const platforms = values.platform?.map((name) => {
    const platform = platformSource.safeParse(name);
    if (!platform.success) throw new UsageError(`--platform takes ${platformSource.options.join(" or ")}.`);
    return platform.data;
  });
  return { platforms, concurrency, nice, deadlineMs };
}

main().catch(exitWithSentence);
