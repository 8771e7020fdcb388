import type { Task } from "graphile-worker";
import { updateStatistics } from "../db/queries/statistics.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Adds up the runs that ended, and counts accounts and gaps now and then: what the views of `app_admin` show. */
const task: Task = async (_, { abortSignal }) => {
  const { db, log } = await currentRuntime();
  for (;;) {
    const updated = await updateStatistics(db);
    log.debug(updated, "statistics updated");
    if (!updated.more || abortSignal?.aborted) break;
  }
};

export default task;
