import type { WorkerEvents } from "graphile-worker";

/**
 * The jobs that a pool knows it has, by what graphile-worker's events tell. A job is named from the moment at which the
 * answer that hands it out arrives, though it may wait in the local queue for its turn, until the second beat after its
 * end or its return: that is written after "job:complete" and "localQueue:returnJobs", by a statement that may still be
 * on its way.
 */
export class KnownJobs {
  readonly #held = new Set<string>();
  #left = new Set<string>();
  #leftBefore = new Set<string>();

  constructor(events: WorkerEvents) {
    const take = ({ id }: { id: string }) => void this.#held.add(id);
    const leave = ({ id }: { id: string }) => {
      this.#held.delete(id);
      this.#left.add(id);
    };
    events.on("localQueue:getJobs:complete", ({ jobs }) => jobs.forEach(take));
    events.on("localQueue:returnJobs", ({ jobs }) => jobs.forEach(leave));
    events.on("job:start", ({ job }) => take(job));
    events.on("job:complete", ({ job }) => leave(job));
  }

  /** For one beat: what is named now and has left is forgotten with the beat after the next. */
  name(): string[] {
    const named = new Set([...this.#held, ...this.#left, ...this.#leftBefore]);
    this.#leftBefore = this.#left;
    this.#left = new Set();
    return [...named];
  }
}
