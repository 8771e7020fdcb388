import type { Task } from "graphile-worker";
import type { PushChannel } from "../../db/queries/deliveries.ts";
import { currentRuntime } from "../@worker/current_runtime.ts";
import { parsePayload } from "../@worker/parse_payload.ts";
import { payloads } from "../@worker/payloads.ts";
import { deliver } from "./deliver.ts";

/** The task of a push channel: one attempt at the delivery of its payload, `{deliveryId}`. */
export function sendTask(channel: PushChannel): Task {
  return async (raw, { job, abortSignal }) => {
    const runtime = await currentRuntime();
    const payload = parsePayload(runtime.log, job, payloads.send, raw);
    if (payload === null) return;
    if (job.locked_by === null) throw new Error("graphile-worker runs no job that it did not lock");
    await deliver(runtime, channel, payload.deliveryId, {
      worker: job.locked_by,
      jobId: job.id,
      stopping: abortSignal,
    });
  };
}
