import { reschedulingTask } from "./@worker/rescheduling_task.ts";

/**
 * After an operator's change of a platform's interval or sync window, its accounts. A batch takes a quarter of a second, in which
 * none of its accounts begins or ends a sync; a job some seconds, so that the clock's other lines have their turns.
 */
export default reschedulingTask({ accounts: 1000, batches: 16 });
