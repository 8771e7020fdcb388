import type { Log } from "../../db/log.ts";

/**
 * What graphile-worker 0.18.0 rejects into nothing when a pool ends while Postgres is away (dist/localQueue.js, dist/main.js):
 * each would end the process, though the pool has ended and its jobs are freed by its goodbye, or by the heartbeats.
 */
const KNOWN = [
  "Error occurred whilst returning jobs from local queue",
  "Cannot background something when the queue is already released",
  "This batcher has been released",
];

/** Whether a rejection that nobody handles is one that a pool leaves behind when it ends. */
export const isLeftByPool = (reason: unknown): boolean =>
  reason instanceof Error && KNOWN.some((words) => reason.message.startsWith(words));

/**
 * Lets the process live on after what a pool leaves behind; anything else ends it, as it would have. Answers how to stop that.
 */
export function surviveEndedPools(log: Log): () => void {
  const hear = (reason: unknown): void => {
    if (!isLeftByPool(reason)) throw reason;
    log.warn({ err: reason }, "a pool that has ended left this behind; its jobs are freed");
  };
  process.on("unhandledRejection", hear);
  return () => void process.off("unhandledRejection", hear);
}
