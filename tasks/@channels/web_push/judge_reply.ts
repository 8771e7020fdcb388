import type { HttpReply } from "../../@http/client.ts";
import type { DeliveryOutcome } from "../channel.ts";
import { retry, retryAfter } from "../outcomes.ts";

/**
 * What a push service's answer means (RFC 8030, RFC 8292). Bodies are not read: they differ from service to service, and
 * the status says it all.
 *
 *     2xx            taken
 *     404, 410       this subscription is gone for good
 *     401, 403       our VAPID keys, or not those that the browser subscribed with: the subscription stays
 *     413            too large, which the caller has tried to mend
 *     408, 425, 429  later, and not before Retry-After; so too 5xx
 *     400, the rest  never as it is
 *
 * @param service its name
 */
export function judgePush(reply: HttpReply, service: string, now: Date): DeliveryOutcome {
  const { status } = reply;
  const code = `http_${status}`;
  // The reply's Location is where the message could be taken back by whoever knows it, so nobody keeps it.
  if (status >= 200 && status <= 299) return { kind: "delivered", providerMessageId: null, isReplay: false };
  if (status === 404 || status === 410) {
    return { kind: "unreachable", code, reason: "The browser's subscription has ended.", removeSubscription: true };
  }
  if (status === 401 || status === 403) {
    return {
      kind: "configuration",
      code,
      reason: `${service} does not accept our VAPID keys, or the browser subscribed with others (VAPID_PUBLIC_KEY).`,
    };
  }
  if (status === 413)
    return { kind: "refused", code, reason: `The message is too large for ${service}, even shortened.` };
  if (status === 429) return retry("rate_limited", `${service} asks for fewer messages.`, retryAfter(reply, now));
  if (status >= 500 || status === 408 || status === 425) {
    return retry(code, `${service} is not available (status ${status}).`, retryAfter(reply, now));
  }
  return { kind: "refused", code, reason: `${service} refused the message (status ${status}).` };
}
