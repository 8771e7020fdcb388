import type { Queryable } from "../../db/queryable.ts";
import { beat, stopWorker } from "../../db/queries/workers.ts";
import type { Log } from "../../db/log.ts";

/** A worker is presumed dead after four missed beats: db/functions/beat.sql. */
const BEAT_EVERY_MS = 5_000;

type Pulse = { runner: string; active: Map<string, number>; registered: Promise<void>; timer: NodeJS.Timeout };

/**
 * Tells Postgres which of this process's worker pools are alive and which accounts they work on. A pool is registered by
 * its first job, before that job holds any lease, so the tasks are safe under whatever runs them: `npm run worker`, a
 * test, or graphile-worker's own command.
 */
export class Heartbeats {
  readonly #db: Queryable;
  readonly #log: Log;
  readonly #pulses = new Map<string, Pulse>();

  constructor(db: Queryable, log: Log) {
    this.#db = db;
    this.#log = log;
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
    return done;
  }

  /** Says goodbye for every pool: what they still hold is handed back at once. */
  async stop(): Promise<void> {
    const workers = [...this.#pulses];
    this.#pulses.clear();
    for (const [, pulse] of workers) clearInterval(pulse.timer);
    for (const [worker] of workers) await stopWorker(this.#db, worker);
  }

  #register(worker: string, runner: string): Pulse {
    const active = new Map<string, number>();
    const beatOnce = async (): Promise<void> => {
      const taken = await beat(this.#db, worker, runner, [...active.keys()]);
      if (taken.workers_buried + taken.runs_reclaimed > 0) {
        this.#log.warn(
          { workers_buried: taken.workers_buried, runs_reclaimed: taken.runs_reclaimed },
          "took over from workers that stopped beating",
        );
      }
    };
    const timer = setInterval(() => {
      // A missed beat is told and not fatal: with Postgres away, every worker misses it, and none buries another.
      beatOnce().catch((error: unknown) => this.#log.error({ err: error }, "heartbeat missed"));
    }, BEAT_EVERY_MS);
    timer.unref();
    const pulse = { runner, active, registered: beatOnce(), timer };
    this.#pulses.set(worker, pulse);
    return pulse;
  }
}
