import type { Task } from "graphile-worker";
import type { PlatformSource } from "../../db/queries/runs.ts";
import { currentRuntime } from "./current_runtime.ts";
import { parsePayload } from "./parse_payload.ts";
import { payloads } from "./payloads.ts";
import { runSync } from "./run_sync.ts";

/** The task of a platform: brings the account of its payload up to date, `{accountId}`. */
export function syncTask(platform: PlatformSource): Task {
  return async (raw, { job, abortSignal }) => {
    const runtime = await currentRuntime();
    const payload = parsePayload(runtime.log, job, payloads.sync, raw);
    if (payload === null) return;
    if (job.locked_by === null) throw new Error("graphile-worker runs no job that it did not lock");
    await runSync(runtime, platform, payload, { id: job.id, worker: job.locked_by, stopping: abortSignal });
  };
}
