/**
 * How a platform's runner takes its jobs and lets them go: many at a time, so that a quiet sync costs the queue a tenth of
 * a round trip instead of two.
 *
 * As many jobs are taken ahead as run at once, no more: a "Sync now" waits behind those, one turn at most, and goes before
 * all others (its priority). What lies here while every slot waits for a slow provider is given back after five seconds, to
 * workers that have time. A killed worker's jobs are freed with its pool, taken ahead or running: db/functions/beat.sql.
 *
 * A job is done before it is completed, at most 20 ms later. If the worker is killed in between, the job runs again, and
 * begin_syncs answers `stale`.
 */
export const localQueueFor = (concurrency: number) => ({
  localQueue: { size: concurrency, ttl: 5_000 },
  completeJobBatchDelay: 20,
});
