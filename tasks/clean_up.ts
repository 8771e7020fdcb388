import type { Task } from "graphile-worker";
import { cleanUp } from "../db/queries/workers.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Throws away what has served its time: old answers, dead tokens, dead jobs. */
const task: Task = async () => {
  const { db, log } = await currentRuntime();
  const cleaned = await cleanUp(db);
  log.info(cleaned, "cleaned up");
};

export default task;
