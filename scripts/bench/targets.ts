type Target = { least: number } | { most: number };

/** What we mean to reach on two cores with everything on one machine; RESULTS.md says where we are. */
export const targets: Readonly<Record<string, Readonly<Record<string, Target>>>> = {
  quiet: {
    ratio_to_floor: { least: 0.25 },
    round_trips_per_sync: { most: 0.5 },
    wal_bytes_per_sync: { most: 4_500 },
    http_requests_per_sync: { most: 1 },
    ratio_to_pgboss: { least: 1 },
    ratio_to_cron_loop: { least: 1 },
  },
  ingest: {
    ratio_to_floor: { least: 0.5 },
    ratio_to_row_upserts: { least: 10 },
    ratio_to_pgboss: { least: 1 },
    ratio_to_cron_loop: { least: 1 },
  },
  resync: { wal_bytes_per_row: { most: 0 }, dead_tuples_per_row: { most: 0 } },
  dispatch: { p50_ms: { most: 100 }, buffers_ratio: { most: 1.3 } },
  latency: { idle_start_ms: { most: 10 }, queued_start_ms: { most: 250 } },
  isolation: { p99_ratio: { most: 2 } },
  scale: { memory_ratio: { most: 1.3 } },
};

/** "at least 0.25: met", or nothing where there is no target. */
export function verdict(bench: string, metric: string, value: number): string {
  const target = targets[bench]?.[metric];
  if (target === undefined) return "";
  const isMet = "least" in target ? value >= target.least : value <= target.most;
  const wish = "least" in target ? `at least ${target.least}` : `at most ${target.most}`;
  return `${wish}: ${isMet ? "met" : "missed"}`;
}
