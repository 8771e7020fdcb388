/**
 * How jobs are completed, for every runner of ours. Batched, though only of what is ready at once (0 ms): without a batch
 * graphile-worker 0.18 awaits nothing when it completes a job. A connection that drops at that moment would end the
 * process by an unhandled rejection, and runOnce() would return before its last job is gone. With it, the runner ends.
 */
export const completion = { completeJobBatchDelay: 0, failJobBatchDelay: 0 };
