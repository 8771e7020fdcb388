import type { Task } from "graphile-worker";
import { enqueueDueSyncs } from "../db/queries/dispatch.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";
import { parsePayload } from "./@worker/parse_payload.ts";
import { payloads } from "./@worker/payloads.ts";

/** Jobs added in one statement; a tick goes on until fewer were due. */
const BATCH = 1000;

/** Hands the accounts of one platform that are due to the workers: `{platform}`. */
const task: Task = async (raw, { job }) => {
  const { db, platforms, log } = await currentRuntime();
  const payload = parsePayload(log, job, payloads.enqueueDueSyncs, raw);
  if (payload === null) return;
  const { platform } = payload;
  // A platform that is off still ticks, so that /readyz can tell a dead dispatcher from an idle one.
  const limit = platforms.has(platform) ? BATCH : 0;
  const startedAt = performance.now();
  let total = 0;
  for (;;) {
    const enqueued = await enqueueDueSyncs(db, platform, limit, job.id);
    total += enqueued;
    if (enqueued < BATCH) break;
  }
  if (total === 0) return;
  const duration = Math.round(performance.now() - startedAt);
  log.info({ platform, enqueued: total, dispatch_id: job.id, duration_ms: duration }, "due accounts enqueued");
};

export default task;
