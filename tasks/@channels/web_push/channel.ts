import webPush from "web-push";
import type { PushService } from "../../../db/queries/push_services.ts";
import type { HttpClient, HttpReply } from "../../@http/client.ts";
import type { DeliveryOutcome, PushMessage, SendContext } from "../channel.ts";
import { transportOutcome } from "../outcomes.ts";
import { pushServiceOf } from "./endpoint.ts";
import { judgePush } from "./judge_reply.ts";
import { MAX_PAYLOAD_BYTES, payloadWithin, SMALL_PAYLOAD_BYTES } from "./payload.ts";
import { problemOfKeys, type WebPushSubscription } from "./subscription.ts";

export type WebPushOptions = {
  http: HttpClient;
  /** Whoever subscribed did so with this public key. `subject`: whom a push service may ask about us. */
  vapid: { publicKey: string; privateKey: string; subject: string };
  /** Where we may send to; asked at each message, so that a row that an operator adds counts at once. */
  services: () => Promise<readonly PushService[]>;
  deadlineMs?: number;
};

export type WebPushChannel = {
  /**
   * One attempt to hand a message to the push service of one browser, sealed for that browser alone. Sent twice, it is shown
   * once: the tag replaces it. Throws what `permit` and `services` throw, and our own mistakes; everything else is an
   * outcome.
   */
  send(message: PushMessage, subscription: WebPushSubscription, context: SendContext): Promise<DeliveryOutcome>;
};

/** RFC 8030 has no limit; this is web-push's default and what services cut to at the latest. */
const MAX_TTL_SECONDS = 2_419_200;

/**
 * Web Push (RFC 8030, 8188, 8291, 8292). `web-push` seals and signs; our own client sends what it made, so that deadlines,
 * size limits, kept connections, no redirects and errors without addresses hold here as everywhere. Its own
 * `sendNotification` has none of these, and puts the endpoint, which is a secret, into its errors.
 */
export function createWebPush({ http, vapid, services, deadlineMs = 10_000 }: WebPushOptions): WebPushChannel {
  async function post(
    payload: string,
    message: PushMessage,
    subscription: WebPushSubscription,
    context: SendContext,
  ): Promise<HttpReply> {
    const { endpoint, p256dh, auth } = subscription;
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys: { p256dh, auth } }, payload, {
      vapidDetails: vapid,
      TTL: Math.min(message.ttlSeconds, MAX_TTL_SECONDS),
      urgency: message.urgency,
      topic: message.tag,
      contentEncoding: "aes128gcm",
    });
    return http.send({
      operation: "send web push",
      method: "POST",
      url: new URL(endpoint),
      headers,
      bytes: body,
      call: context,
      deadlineMs,
    });
  }

  return {
    async send(message, subscription, context) {
      const service = pushServiceOf(subscription.endpoint, await services());
      if (service === null) {
        return {
          kind: "refused",
          code: "endpoint_not_allowed",
          reason: "The subscription leads to none of the push services that are allowed (app_private.push_services).",
        };
      }
      const problem = problemOfKeys(subscription);
      if (problem !== null) {
        const reason = `The browser's subscription is malformed: ${problem}.`;
        return { kind: "unreachable", code: "malformed_subscription", reason, removeSubscription: true };
      }
      const payload = payloadWithin(MAX_PAYLOAD_BYTES, message);
      if (payload === null) return tooLarge;
      try {
        const reply = await post(payload, message, subscription, context);
        if (reply.status !== 413) return judgePush(reply, service.name, context.now());
        const smaller = payloadWithin(Math.min(SMALL_PAYLOAD_BYTES, Buffer.byteLength(payload) - 1), message);
        if (smaller === null) return tooLarge;
        return judgePush(await post(smaller, message, subscription, context), service.name, context.now());
      } catch (error) {
        const outcome = transportOutcome(error, service.name);
        if (outcome === null) throw error;
        return outcome;
      }
    },
  };
}

const tooLarge: DeliveryOutcome = {
  kind: "refused",
  code: "too_large",
  reason: "Title and link alone are too large for a push message.",
};
