import type { Task } from "graphile-worker";
import { remindOwners } from "../db/queries/deliveries.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Reminded in one transaction. */
const BATCH = 1000;

/** Reminds the owners of accounts that have needed them for days. */
const task: Task = async () => {
  const { db, log } = await currentRuntime();
  let total = 0;
  for (;;) {
    const reminded = await remindOwners(db, BATCH);
    total += reminded;
    if (reminded < BATCH) break;
  }
  if (total > 0) log.info({ reminded: total }, "owners reminded");
};

export default task;
