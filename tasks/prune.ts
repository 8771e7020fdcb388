import type { Task } from "graphile-worker";
import { prune } from "../db/queries/retention.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Rows of each kind in one transaction. */
const BATCH = 5000;

/** Throws away what is older than it is to be kept, batch by batch; what a stop leaves behind goes the next night. */
const task: Task = async (_, { abortSignal }) => {
  const { db, log } = await currentRuntime();
  const pruned: Record<string, number> = {};
  for (;;) {
    const batch = await prune(db, BATCH);
    for (const { subject, pruned: rows } of batch) pruned[subject] = (pruned[subject] ?? 0) + rows;
    if (abortSignal?.aborted || batch.every(({ pruned: rows }) => rows < BATCH)) break;
  }
  log.info(pruned, "pruned");
};

export default task;
