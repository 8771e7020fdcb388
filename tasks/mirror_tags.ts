import type { Task } from "graphile-worker";
import { mirrorTags } from "./@notifications/mirror_tags.ts";
import { currentRuntime } from "./@worker/current_runtime.ts";
import { parsePayload } from "./@worker/parse_payload.ts";
import { payloads } from "./@worker/payloads.ts";

/** Mirrors how a user's accounts stand as tags at OneSignal: `{userId}`. */
const task: Task = async (raw, { job, abortSignal }) => {
  const runtime = await currentRuntime();
  const payload = parsePayload(runtime.log, job, payloads.mirrorTags, raw);
  if (payload === null) return;
  await mirrorTags(runtime, payload.userId, abortSignal);
};

export default task;
