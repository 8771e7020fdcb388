import type { WorkerEvents } from "graphile-worker";

/**
 * The jobs that a pool knows it has, by what graphile-worker's events tell. A job is named from its start until the
 * second beat after its end: its completion is written after "job:complete", by a statement that may still be on its way.
 *
 * With a `localQueue` jobs are locked before they start: then "localQueue:getJobs:complete" would have to count as well.
 */
export class KnownJobs {
  readonly #running = new Set<string>();
  #ended = new Set<string>();
  #endedBefore = new Set<string>();

  constructor(events: WorkerEvents) {
    events.on("job:start", ({ job }) => void this.#running.add(job.id));
    events.on("job:complete", ({ job }) => {
      this.#running.delete(job.id);
      this.#ended.add(job.id);
    });
  }

  /** For one beat: what is named now and has ended is forgotten with the beat after the next. */
  name(): string[] {
    const named = new Set([...this.#running, ...this.#ended, ...this.#endedBefore]);
    this.#endedBefore = this.#ended;
    this.#ended = new Set();
    return [...named];
  }
}
