/**
 * How many connections a worker needs for so many jobs at once, all its runners together: one a job, and a few for heartbeats,
 * completions, LISTEN and /metrics. With fewer, jobs that hold an account could wait for each other's connections.
 */
export const poolSize = (concurrency: number): number => concurrency + 6;
