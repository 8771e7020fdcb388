import { setTimeout as pause } from "node:timers/promises";
import type { PlatformSource } from "../../db/queries/runs.ts";
import type { Runtime } from "./runtime.ts";
import { surviveEndedPools } from "./late_rejections.ts";
import { isPostgresStarting } from "./postgres_is_starting.ts";
import { type Runners, startRunners } from "./runners.ts";

const LONGEST_PAUSE_MS = 30_000;
/** Runners that lasted this long had started well: the next trouble is a new one. */
const WELL_STARTED_MS = 60_000;

/**
 * Runs the runners until `stopping` is aborted, and starts them again when they end by themselves: graphile-worker gives up
 * when it cannot complete a job, which is what a restarted Postgres or a dropped connection looks like to it. Before they
 * start again the old pools say goodbye, so that their jobs and runs are free at once and not after 20 seconds.
 *
 * Throws what the first start throws: a worker that never ran has something for the operator to mend.
 *
 * @param options.onStarted called once, when jobs are taken for the first time
 * @param options.hearWithinMs how long runners may take until they have been told their jobs, before they are started anew
 */
export async function keepRunning(options: {
  runtime: Runtime;
  platforms: readonly PlatformSource[];
  concurrency: number;
  stopping: AbortSignal;
  onStarted?: () => void;
  hearWithinMs?: number;
}): Promise<void> {
  const letThemEnd = surviveEndedPools(options.runtime.log);
  try {
    await restartUntilStopped(options);
  } finally {
    letThemEnd();
  }
}

async function restartUntilStopped(options: Parameters<typeof keepRunning>[0]): Promise<void> {
  const { runtime, stopping } = options;
  let waitMs = 500;
  for (let isFirst = true; !stopping.aborted; isFirst = false) {
    const startedAt = performance.now();
    try {
      const runners = await startRunners(options);
      if (isFirst) options.onStarted?.();
      await untilEnded(runners, stopping);
    } catch (error) {
      if (isFirst && !hasEnded(error) && !isPostgresStarting(error)) throw error;
      if (performance.now() - startedAt > WELL_STARTED_MS) waitMs = 500;
      runtime.log.error({ err: error, again_in_ms: waitMs }, "the worker's runners ended; starting them again");
      await sayGoodbye(runtime);
      await pause(waitMs, undefined, { signal: stopping }).catch(() => {});
      waitMs = Math.min(waitMs * 2, LONGEST_PAUSE_MS);
    }
  }
}

const hasEnded = (error: unknown): boolean => error instanceof RunnersEnded;

/** The runners had started, and ended without being asked to. */
class RunnersEnded extends Error {
  override readonly name = "RunnersEnded";
}

async function untilEnded(runners: Runners, stopping: AbortSignal): Promise<void> {
  const stop = () => {
    // What stop() fails of, `ended` fails of as well.
    runners.stop().catch(() => {});
  };
  stopping.addEventListener("abort", stop, { once: true });
  if (stopping.aborted) stop();
  try {
    await runners.ended;
  } catch (error) {
    if (!stopping.aborted) throw new RunnersEnded("the runners ended by themselves", { cause: error });
  } finally {
    stopping.removeEventListener("abort", stop);
  }
}

/** So often, so far apart: whatever cut the runners' connections may have left dead ones in the pool, which are used up first. */
const GOODBYES = 5;
const GOODBYE_EVERY_MS = 200;

/** With Postgres still away nobody hears it; then the other workers bury these pools, or they themselves do later. */
async function sayGoodbye(runtime: Runtime): Promise<void> {
  for (let nth = 1; ; nth += 1) {
    try {
      await runtime.heartbeats.stop();
      return;
    } catch (error) {
      if (nth < GOODBYES) await pause(GOODBYE_EVERY_MS);
      else {
        runtime.log.warn({ err: error }, "the ended runners could not say goodbye");
        return;
      }
    }
  }
}
