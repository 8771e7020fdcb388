import type { Queryable } from "../../db/queryable.ts";
import { dispatchSoon } from "../../db/queries/dispatch.ts";
import { beat, stopWorker } from "../../db/queries/workers.ts";
import type { Log } from "../../db/log.ts";
import type { KnownJobs } from "./known_jobs.ts";

/** A worker is presumed dead after four missed beats: db/functions/beat.sql. */
const BEAT_EVERY_MS = 5_000;

type Pulse = {
  /** Accounts worked on, with how many jobs. */
  active: Map<string, number>;
  registered: Promise<void>;
  /** The beat that was sent last; settled when it has arrived, or was missed. */
  lastBeat: Promise<void>;
  timer: NodeJS.Timeout;
};

/** Who counts the beats: tasks/@metrics/metrics.ts. */
export type BeatMetrics = {
  heartbeat(outcome: "sent" | "missed"): void;
  tookOver(taken: { workers_buried: number; runs_reclaimed: number }): void;
};

export type HeartbeatOptions = { everyMs?: number; metrics?: BeatMetrics };

/**
 * Tells Postgres which of this process's worker pools are alive and which accounts they work on. A pool is registered by
 * its first job, before that job holds any lease, so the tasks are safe under whatever runs them: `npm run worker`, a
 * test, or graphile-worker's own command.
 */
export class Heartbeats {
  readonly #db: Queryable;
  readonly #log: Log;
  readonly #everyMs: number;
  readonly #metrics: BeatMetrics | undefined;
  readonly #pulses = new Map<string, Pulse>();
  readonly #jobs = new Map<string, Pick<KnownJobs, "name">>();
  /** Pools whose goodbye has not been heard yet. */
  readonly #leaving = new Set<string>();

  constructor(db: Queryable, log: Log, { everyMs = BEAT_EVERY_MS, metrics }: HeartbeatOptions = {}) {
    this.#db = db;
    this.#log = log;
    this.#everyMs = everyMs;
    this.#metrics = metrics;
  }

  /**
   * Marks a job of `worker` as working on an account, until the answered function is called. Throws when the worker
   * could not be registered: nothing may be held by somebody whom nobody watches.
   */
  async working(worker: string, runner: string, accountId: string): Promise<() => void> {
    const pulse = this.#pulses.get(worker) ?? this.#register(worker, runner);
    pulse.active.set(accountId, (pulse.active.get(accountId) ?? 0) + 1);
    const done = () => {
      const left = (pulse.active.get(accountId) ?? 1) - 1;
      if (left > 0) pulse.active.set(accountId, left);
      else pulse.active.delete(accountId);
    };
    try {
      await pulse.registered;
    } catch (error) {
      done();
      clearInterval(pulse.timer);
      this.#pulses.delete(worker);
      throw error;
    }
    // A beat takes back every run of its worker that it does not name. One that was sent before this account was active
    // must have arrived before the account's run is opened.
    await pulse.lastBeat;
    return done;
  }

  /**
   * Registers a pool before it has any job: whoever is killed between taking a job and beginning it is found out too.
   * A failure is logged; the pool's first job tries again.
   *
   * @param jobs those it knows it has: what is locked in its name beyond them was lost on the way, and is freed
   */
  register(worker: string, runner: string, jobs?: Pick<KnownJobs, "name">): void {
    if (jobs !== undefined) this.#jobs.set(worker, jobs);
    if (this.#pulses.has(worker)) return;
    const pulse = this.#register(worker, runner);
    pulse.registered.catch((error: unknown) => {
      clearInterval(pulse.timer);
      if (this.#pulses.get(worker) === pulse) this.#pulses.delete(worker);
      this.#log.error({ err: error }, "a pool could not be registered");
    });
  }

  /**
   * Says goodbye for every pool: what they still hold is handed back at once. Throws when that was not heard; called
   * again, it says goodbye for those that are left.
   */
  async stop(): Promise<void> {
    const lastBeats = [...this.#pulses.values()].map((pulse) => {
      clearInterval(pulse.timer);
      return pulse.lastBeat;
    });
    for (const worker of this.#pulses.keys()) this.#leaving.add(worker);
    this.#pulses.clear();
    this.#jobs.clear();
    // A beat that arrives after the goodbye would register the worker again.
    await Promise.all(lastBeats);
    for (const worker of this.#leaving) {
      await stopWorker(this.#db, worker);
      this.#leaving.delete(worker);
    }
  }

  #register(worker: string, runner: string): Pulse {
    const active = new Map<string, number>();
    // job.locked_by and sync_states.held_by name the pool: this line says which process that is.
    this.#log.info({ pool: worker, runner }, "pool registers");
    const beatOnce = async (): Promise<void> => {
      const jobs = this.#jobs.get(worker)?.name() ?? null;
      const taken = await beat(this.#db, worker, runner, [...active.keys()], jobs);
      if (taken.jobs_freed > 0)
        this.#log.warn({ jobs_freed: taken.jobs_freed }, "freed jobs that were lost on their way");
      if (taken.workers_buried + taken.runs_reclaimed > 0) {
        this.#metrics?.tookOver(taken);
        this.#log.warn(
          { workers_buried: taken.workers_buried, runs_reclaimed: taken.runs_reclaimed },
          "took over from workers that stopped beating",
        );
        // Their accounts are due at once, which the dispatcher would notice up to a minute later.
        if (taken.runs_reclaimed > 0) await dispatchSoon(this.#db);
      }
    };
    const registered = beatOnce();
    let isUnderWay = true;
    const settle = async (sent: Promise<void>): Promise<void> => {
      try {
        await sent;
        this.#metrics?.heartbeat("sent");
      } catch (error) {
        // A missed beat is told and not fatal: with Postgres away, every worker misses it, and none buries another.
        this.#metrics?.heartbeat("missed");
        this.#log.error({ err: error }, "heartbeat missed");
      } finally {
        isUnderWay = false;
      }
    };
    const timer = setInterval(() => {
      if (isUnderWay) return;
      isUnderWay = true;
      pulse.lastBeat = settle(beatOnce());
    }, this.#everyMs);
    timer.unref();
    const pulse: Pulse = { active, registered, lastBeat: settle(registered), timer };
    this.#pulses.set(worker, pulse);
    return pulse;
  }
}
