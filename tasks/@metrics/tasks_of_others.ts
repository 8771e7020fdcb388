import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { GaugeRow } from "../../db/queries/gauges.ts";

/** What graphile-worker loads: the files of tasks/ and no others. */
const ourTasks: ReadonlySet<string> = new Set(
  readdirSync(join(import.meta.dirname, "..")).flatMap((name) =>
    name.endsWith(".ts") ? [name.slice(0, -".ts".length)] : [],
  ),
);

/**
 * The gauges of the queue with all tasks that are not ours under one label, `other`: whoever may add jobs could otherwise make
 * as many series as they like. Jobs are added up; of lags the longest counts.
 */
export function withTasksOfOthers(rows: GaugeRow[]): GaugeRow[] {
  const others = new Map<string, GaugeRow>();
  const kept = rows.filter((row) => {
    const { task, state = "" } = row.labels;
    if (task === undefined || ourTasks.has(task)) return true;
    const key = `${row.gauge} ${state}`;
    const before = others.get(key)?.value ?? 0;
    const value = row.gauge === "queue_lag_seconds" ? Math.max(before, row.value) : before + row.value;
    others.set(key, { ...row, labels: { ...row.labels, task: "other" }, value });
    return false;
  });
  return [...kept, ...others.values()];
}
