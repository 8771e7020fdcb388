import { syncTask } from "./@worker/sync_task.ts";

/** Brings one MTN MoMo wallet up to date: balance, tracked references, and the statement where there is one. */
export default syncTask("mtn_momo");
