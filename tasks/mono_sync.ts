import { syncTask } from "./@worker/sync_task.ts";

/** Brings one bank account up to date through Mono. */
export default syncTask("mono");
