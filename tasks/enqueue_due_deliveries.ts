import type { Task } from "graphile-worker";
import { enqueueDueDeliveries } from "../db/queries/deliveries.ts";
import { enqueueDueTagMirrors } from "../db/queries/tag_mirrors.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";

/** Jobs added in one statement; a tick goes on until fewer were due. */
const BATCH = 1000;

/** Hands to the workers what waits to be pushed and is due, and the users whose tags are stale. */
const task: Task = async () => {
  const { db, log } = await currentRuntime();
  const deliveries = await untilFewer((limit) => enqueueDueDeliveries(db, limit));
  const mirrors = await untilFewer((limit) => enqueueDueTagMirrors(db, limit));
  if (deliveries + mirrors > 0) log.info({ deliveries, tag_mirrors: mirrors }, "due deliveries enqueued");
};

async function untilFewer(enqueue: (limit: number) => Promise<number>): Promise<number> {
  for (let total = 0; ;) {
    const enqueued = await enqueue(BATCH);
    total += enqueued;
    if (enqueued < BATCH) return total;
  }
}

export default task;
