/**
 * How a platform's runner takes its jobs and lets them go: some at a time, so that a quiet sync costs the queue a fifth of
 * a round trip instead of one and more.
 *
 * A quarter of those that run at once are taken ahead, no more: a "Sync now" waits until those have begun, and goes before
 * all others (its priority). As many as run at once, which graphile-worker advises with a warning, made it wait 0.4 s instead
 * of 0.2 behind a long queue (scripts/bench/RESULTS.md). What lies here while every slot waits for a slow provider is given back after five seconds, to
 * workers that have time. A killed worker's jobs are freed with its pool, taken ahead or running: db/functions/beat.sql.
 *
 * A job is done before it is completed, at most 20 ms later. If the worker is killed in between, the job runs again, and
 * begin_syncs answers `stale`.
 */
export const localQueueFor = (concurrency: number) => ({
  localQueue: { size: Math.ceil(concurrency / 4), ttl: 5_000 },
  completeJobBatchDelay: 20,
});
