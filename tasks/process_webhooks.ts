import type { Task } from "graphile-worker";
import { processWebhooks } from "../db/queries/webhooks.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Judged in one transaction, which holds their accounts' leases: a closing run waits a tenth of a second at most. */
const BATCH = 100;

/** Judges the webhooks that wait in the inbox, until none does. One job for all of them. */
const task: Task = async () => {
  const { db, log } = await currentRuntime();
  let total = 0;
  for (;;) {
    const judged = await processWebhooks(db, BATCH);
    total += judged;
    if (judged < BATCH) break;
  }
  if (total > 0) log.info({ webhooks: total }, "webhooks judged");
};

export default task;
