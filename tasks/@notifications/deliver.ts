import { logAbout } from "../../db/log.ts";
import {
  type Attempt,
  beginDeliveries,
  type ClaimedDelivery,
  type PushChannel,
  recordDeliveries,
} from "../../db/queries/deliveries.ts";
import type { DeliveryOutcome, SendContext } from "../@channels/channel.ts";
import type { Runtime } from "../@worker/runtime.ts";
import { INTERRUPTED } from "../@channels/outcomes.ts";
import { compose } from "./compose.ts";

/**
 * One attempt at one delivery: claimed, sent, and written down, in that order and with no transaction open in between. A
 * worker that dies on the way leaves a claim that another one takes over, with the same idempotency key.
 */
export async function deliver(
  runtime: Runtime,
  channel: PushChannel,
  deliveryId: string,
  { worker, jobId, stopping }: { worker: string; jobId?: string; stopping: AbortSignal },
): Promise<void> {
  const { db, log } = runtime;
  const [delivery] = await beginDeliveries(db, channel, worker, [deliveryId]);
  if (delivery === undefined) return;
  const outcome = await send(runtime, channel, delivery, stopping);
  // Nothing is known of an attempt that we cut short: whoever stops this worker hands the claim back at once. One that was
  // answered in the last moment is written down: it may say when to come again.
  if (stopping.aborted && outcome.kind === "retry" && outcome.code === INTERRUPTED) return;
  const isOff = outcome === OFF;
  if (!isOff) runtime.metrics.notificationSent(channel, outcome.kind);
  const [recorded] = await recordDeliveries(db, [attemptOf(delivery, outcome)]);
  const { platform, accountId, runId } = delivery;
  const about = logAbout(log, {
    platform,
    jobId,
    ...(accountId === null ? {} : { accountId }),
    ...(runId === null ? {} : { runId }),
  });
  const { id, kind, attempt } = delivery;
  const code = "code" in outcome ? outcome.code : undefined;
  const facts = { delivery: id, channel, kind, attempt, outcome: outcome.kind, code };
  if (recorded?.outcome === "lost") about.info(facts, "a delivery was taken over by another worker meanwhile");
  else if (isOff) about.info(facts, "a delivery waits: this worker has no keys for its channel");
  else if (outcome.kind === "configuration") about.error(facts, "a push channel refuses our keys: %s", outcome.reason);
  else about.info(facts, "delivery attempted");
}

/** A worker without keys for a channel: what is sent over it waits, for another worker or for an operator. */
export const OFF = {
  kind: "configuration",
  code: "not_set_up",
  reason: "This channel is off: the worker has no keys for it.",
} as const satisfies DeliveryOutcome;

/** A browser that was removed after its delivery had been claimed. */
const GONE: DeliveryOutcome = {
  kind: "unreachable",
  code: "subscription_gone",
  reason: "The browser is subscribed no longer.",
  removeSubscription: false,
};

async function send(
  runtime: Runtime,
  channel: PushChannel,
  delivery: ClaimedDelivery,
  stopping: AbortSignal,
): Promise<DeliveryOutcome> {
  const { oneSignal, webPush } = runtime.channels;
  const context = sendContext(delivery.now, stopping);
  if (channel === "onesignal") {
    return oneSignal === null ? OFF : oneSignal.send(compose(delivery, await runtime.links()), context);
  }
  if (delivery.subscription === null) return GONE;
  return webPush === null
    ? OFF
    : webPush.send(compose(delivery, await runtime.links()), delivery.subscription, context);
}

/** Business time runs on from what the database said when it handed the work over. */
export function sendContext(businessNow: Date, stopping: AbortSignal): SendContext {
  const handedOverAt = performance.now();
  return {
    signal: stopping,
    now: () => new Date(businessNow.getTime() + (performance.now() - handedOverAt)),
  };
}

function attemptOf({ id, attempt }: ClaimedDelivery, outcome: DeliveryOutcome): Attempt {
  if (outcome.kind !== "delivered") return { id, attempt, ...outcome };
  const { kind, providerMessageId, isReplay } = outcome;
  return { id, attempt, kind, providerMessageId, ...(isReplay ? { code: "replayed" } : {}) };
}
