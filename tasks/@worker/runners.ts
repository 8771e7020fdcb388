import { EventEmitter } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  getTasks,
  parseCrontab,
  run,
  type ParsedCronItem,
  type Runner,
  type TaskList,
  type WorkerEvents,
} from "graphile-worker";
import { z } from "zod";
import { workerLogger } from "../../db/log.ts";
import { type PushChannel, resumeDeliveries } from "../../db/queries/deliveries.ts";
import { type PlatformSource, platformSource } from "../../db/queries/runs.ts";
import { completion } from "./completion.ts";
import { localQueueFor } from "./local_queue.ts";
import { provideRuntime } from "./current_runtime.ts";
import { KnownJobs } from "./known_jobs.ts";
import { releasedOnce } from "./released_once.ts";
import type { Runtime } from "./runtime.ts";

const root = join(import.meta.dirname, "../..");

/** Which task belongs to which platform's runner. */
export const platformTasks: Record<PlatformSource, string> = { mono: "mono_sync", mtn_momo: "momo_sync" };

/** Which tasks belong to which push channel's runner. Every task that is in neither list runs on the general one. */
const channelTasks: Record<PushChannel, readonly string[]> = {
  onesignal: ["send_onesignal", "mirror_tags"],
  web_push: ["send_web_push"],
};
const pushChannels: readonly PushChannel[] = ["onesignal", "web_push"];

/** Sends at once, a channel. Each waits for an answer nearly all the time, ten seconds at most. */
export const SENDS_AT_ONCE = 4;

export type Runners = {
  /** Takes no more jobs, lets running ones end for five seconds, then hands them back. */
  stop(): Promise<void>;
  /** Settles when stop() has ended them all. When one ends by itself the others are stopped, and this rejects. */
  ended: Promise<void>;
};

/** graphile-worker gave a runner up; its log says why. A process with a part of its runners only would look healthy. */
export class RunnerEndedError extends Error {
  override readonly name = "RunnerEndedError";

  constructor() {
    super("a runner ended by itself");
  }
}

/**
 * One graphile-worker runner a platform, one a push channel, and one for everything else: a provider or a channel that hangs
 * fills its own runner only, and webhooks and the clock wait for nobody.
 * The general runner keeps the clock; with some platforms only, it keeps their lines of the crontab only. Two processes
 * may keep the same line: graphile-worker runs each moment of it once.
 *
 * @param options.concurrency jobs at once, for each platform
 * @param options.stopWithinMs how long a pool may take to end gracefully before it is ended by force
 * @param options.hearWithinMs how long a pool may take until it has been told its jobs, or that there are none
 */
export async function startRunners(options: {
  runtime: Runtime;
  platforms: readonly PlatformSource[];
  concurrency: number;
  stopWithinMs?: number;
  hearWithinMs?: number;
}): Promise<Runners> {
  const { runtime, platforms, concurrency, stopWithinMs = STOP_WITHIN_MS, hearWithinMs = HEAR_WITHIN_MS } = options;
  provideRuntime(runtime);
  const logger = workerLogger(runtime.log);
  // At info, the loader tells of each folder of shared code that it rightly leaves alone.
  const { tasks } = await getTasks(
    { logger: workerLogger(runtime.log.child({}, { level: "warn" })) },
    join(root, "tasks"),
  );
  const shared = { pgPool: releasedOnce(runtime.db), noHandleSignals: true, logger, preset: { worker: completion } };

  const registering = (runner: string): WorkerEvents => {
    const events: WorkerEvents = new EventEmitter();
    const jobs = new KnownJobs(events);
    endInTime(events, stopWithinMs);
    endIfDeaf(events, hearWithinMs);
    return events.on("pool:create", ({ workerPool }) => runtime.heartbeats.register(workerPool.id, runner, jobs));
  };
  const runners: Runner[] = [];
  try {
    for (const platform of platforms) {
      const taskList = pick(tasks, (name) => name === platformTasks[platform]);
      const preset = { worker: { ...completion, ...localQueueFor(concurrency) } };
      runners.push(await run({ ...shared, preset, concurrency, events: registering(platform) }, taskList, []));
    }
    for (const channel of pushChannels) {
      const taskList = pick(tasks, (name) => channelTasks[channel].includes(name));
      runners.push(await run({ ...shared, concurrency: SENDS_AT_ONCE, events: registering(channel) }, taskList, []));
    }
    const elsewhere = new Set([...Object.values(platformTasks), ...Object.values(channelTasks).flat()]);
    const general = pick(tasks, (name) => !elsewhere.has(name));
    const crontab = await readFile(join(root, "crontab"), "utf8");
    const events = registering("general");
    runners.push(await run({ ...shared, concurrency: 2, events }, general, cronItemsFor(platforms, crontab)));
  } catch (error) {
    await endAll(runners);
    throw error;
  }
  await resumeWaiting(runtime);

  const alive = new Set(runners);
  let stopping: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopping ??= endAll([...alive]));
  const endOf = async (runner: Runner): Promise<void> => {
    await runner.promise;
    alive.delete(runner);
    if (stopping === undefined) throw new RunnerEndedError();
  };
  const allEnded = async (): Promise<void> => {
    try {
      await Promise.all(runners.map(endOf));
    } catch (error) {
      await stop();
      throw error;
    }
  };
  return { stop, ended: allEnded() };
}

/** A runner's own stop() waits for a graceful end even where that never comes; its promise settles with the pool. */
async function endAll(runners: readonly Runner[]): Promise<void> {
  for (const runner of runners) runner.stop().catch(() => {});
  await Promise.allSettled(runners.map(({ promise }) => promise));
}

const RESUMED_AT_ONCE = 1000;

/** What waited for keys that this worker has is due at once, and not only after its backoff. */
async function resumeWaiting({ db, channels, log }: Runtime): Promise<void> {
  const withKeys = pushChannels.filter(
    (channel) => (channel === "onesignal" ? channels.oneSignal : channels.webPush) !== null,
  );
  if (withKeys.length === 0) return;
  try {
    while ((await resumeDeliveries(db, withKeys, RESUMED_AT_ONCE)) === RESUMED_AT_ONCE);
  } catch (error) {
    log.error(
      { err: error, channels: withKeys },
      "what waited for keys could not be resumed; it waits for its next attempt",
    );
  }
}

/** Running jobs have five seconds (graphile-worker's gracefulShutdownAbortTimeout), then they are handed back. */
const STOP_WITHIN_MS = 8_000;

/**
 * Ends by force a pool whose graceful end does not come. graphile-worker 0.18.0 counts what its batches of completions have under way, and
 * counts wrong once two of a pool have failed (its `allgood()` counts down again for each): the pool then waits for ever,
 * takes no job, and is presumed alive because it beats.
 */
function endInTime(events: WorkerEvents, withinMs: number): void {
  events.on("pool:gracefulShutdown", ({ workerPool }) => {
    const impatience = setTimeout(() => {
      // What it throws, the pool's own promise throws as well.
      Promise.resolve(workerPool.forcefulShutdown("the graceful end took too long")).catch(() => {});
    }, withinMs);
    events.once("pool:release", () => clearTimeout(impatience));
  });
}

/** An idle pool asks every two seconds (graphile-worker's pollInterval), and once as it starts. */
const HEAR_WITHIN_MS = 15_000;

/** Each says that Postgres has answered a pool's question for jobs. */
const ANSWERS = ["worker:getJob:empty", "job:start", "localQueue:getJobs:complete"] as const;

/**
 * Ends a pool that is never told its jobs, so that the runners are started anew. graphile-worker 0.18.0 looks up the ids of
 * its tasks with the first question for jobs and keeps the promise (dist/taskIdentifiers.js): where that failed, because
 * there was no connection at that moment, every question fails the same way for ever, though the pool beats.
 */
function endIfDeaf(events: WorkerEvents, withinMs: number): void {
  events.on("pool:create", ({ workerPool }) => {
    const impatience = setTimeout(() => {
      // What it throws, the pool's own promise throws as well.
      Promise.resolve(workerPool.gracefulShutdown("it was never told its jobs")).catch(() => {});
    }, withinMs);
    for (const event of [...ANSWERS, "pool:release"] as const) events.once(event, () => clearTimeout(impatience));
  });
}

const lineOfPlatform = z.object({ platform: platformSource });

/** The lines of the crontab that concern these platforms, or no platform in particular. */
export function cronItemsFor(platforms: readonly PlatformSource[], crontab: string): ParsedCronItem[] {
  return parseCrontab(crontab).filter(({ payload }) => {
    const line = lineOfPlatform.safeParse(payload);
    return !line.success || platforms.includes(line.data.platform);
  });
}

function pick(tasks: TaskList, wanted: (name: string) => boolean): TaskList {
  return Object.fromEntries(Object.entries(tasks).filter(([name]) => wanted(name)));
}
