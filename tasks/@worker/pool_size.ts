/**
 * How many connections a worker needs for so many syncs at once, all platforms together: one a sync, and a few for its five
 * runners' LISTEN, for the general runner's jobs and pushes (which wait for HTTP, and hold none meanwhile), heartbeats,
 * completions and /metrics. With fewer, jobs that hold an account could wait for each other's connections.
 */
export const poolSize = (concurrency: number): number => concurrency + 10;
