import type { HttpReply } from "../../@http/client.ts";
import { redact } from "../../@http/redact.ts";
import type { DeliveryOutcome } from "../channel.ts";
import { retry, retryAfter } from "../outcomes.ts";
import { type OneSignalReply, oneSignalReply, unknownAliases, wordsOf } from "./schemas.ts";

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export type ReplyContext = {
  /** The external id that was asked for. */
  userId: string;
  /** What OneSignal may quote and nobody may read: our key, the message. */
  secrets: readonly string[];
  now: Date;
};

/**
 * What a reply to `POST /notifications` means for its one recipient:
 *
 *     200 with an id      delivered, unless the only recipient is among the unknown aliases
 *     200 without an id   nobody was told: unreachable where it says who, refused where it says something else
 *     200, unreadable     retry: with the same key it is answered again
 *     400 and other 4xx   refused, or unreachable where it says so in words; 404: the address is wrong
 *     401, 403            configuration: our key
 *     408, 425, 429, 5xx  retry, not before Retry-After
 */
export function judgeNotification(reply: HttpReply, context: ReplyContext): DeliveryOutcome {
  const { status } = reply;
  if (status < 200 || status > 299) return judgeRefusal(reply, context);
  const body = readBody(reply);
  if (body === null) return unreadable(reply);
  if (unknownAliases(body).includes(context.userId)) return unknownUser;
  if (typeof body.id === "string" && body.id !== "") {
    const isReplay = reply.headers.get("idempotent-replayed")?.trim().toLowerCase() === "true";
    return { kind: "delivered", providerMessageId: UUID.test(body.id) ? body.id : null, isReplay };
  }
  const words = wordsOf(body);
  if (words === "") {
    // `id` is empty and nothing is said: there was nobody to send to. Without an `id` it is no reply that we know.
    return body.id === "" ? notSubscribed : retry("unexpected_shape", "OneSignal's answer has no id and no errors.");
  }
  return unreachableInWords(words) ?? refused(`http_${status}`, words, context);
}

/** The same for `PATCH /apps/…/users/by/external_id/…`: any 2xx will do (202 in OneSignal's docs), 404 is the user. */
export function judgeTags(reply: HttpReply, context: ReplyContext): DeliveryOutcome {
  if (reply.status >= 200 && reply.status <= 299) {
    return { kind: "delivered", providerMessageId: null, isReplay: false };
  }
  return reply.status === 404 ? unknownUser : judgeRefusal(reply, context);
}

function judgeRefusal(reply: HttpReply, context: ReplyContext): DeliveryOutcome {
  const { status } = reply;
  const body = readBody(reply);
  const words = body === null ? "" : wordsOf(body);
  if (status === 401 || status === 403) {
    return {
      kind: "configuration",
      code: `http_${status}`,
      reason: "OneSignal does not accept our app id and API key (ONESIGNAL_APP_ID, ONESIGNAL_API_KEY).",
    };
  }
  if (status === 429) {
    return retry("rate_limited", "OneSignal asks for fewer requests.", retryAfter(reply, context.now));
  }
  if (status >= 500 || status === 408 || status === 425) {
    return retry(`http_${status}`, `OneSignal is not available (status ${status}).`, retryAfter(reply, context.now));
  }
  if (status === 404 || status < 400) {
    return {
      kind: "configuration",
      code: `http_${status}`,
      reason: `OneSignal's API is not at this address (status ${status}; ONESIGNAL_BASE_URL).`,
    };
  }
  if (body !== null && unknownAliases(body).includes(context.userId)) return unknownUser;
  if (/\bapp[ _]?id\b/i.test(words)) {
    return {
      kind: "configuration",
      code: `http_${status}`,
      reason: `OneSignal refuses our app: ${safe(words, context)}`,
    };
  }
  return unreachableInWords(words) ?? refused(`http_${status}`, words, context);
}

const unknownUser: DeliveryOutcome = {
  kind: "unreachable",
  code: "unknown_alias",
  reason: "OneSignal knows nobody by this user's id: they have not signed in to the app on any device.",
  removeSubscription: false,
};

const notSubscribed: DeliveryOutcome = {
  kind: "unreachable",
  code: "not_subscribed",
  reason: "None of this user's devices is subscribed to push messages.",
  removeSubscription: false,
};

function unreachableInWords(words: string): DeliveryOutcome | null {
  if (/not subscribed|no (?:subscribers|recipients)/i.test(words)) return notSubscribed;
  return /invalid_aliases|no users with this alias/i.test(words) ? unknownUser : null;
}

function refused(code: string, words: string, context: ReplyContext): DeliveryOutcome {
  const reason =
    words === ""
      ? "OneSignal refused the message without a word."
      : `OneSignal refused the message: ${safe(words, context)}`;
  return { kind: "refused", code, reason };
}

const safe = (words: string, { secrets, userId }: ReplyContext): string =>
  redact(words, { secrets: [...secrets, userId], maxLength: 150 });

function unreadable({ body }: HttpReply): DeliveryOutcome {
  if (body.kind === "json") return retry("unexpected_shape", "OneSignal's answer has an unknown shape.");
  return retry(`not_json_${body.kind}`, "OneSignal's answer cannot be read.");
}

function readBody({ body }: HttpReply): OneSignalReply | null {
  return body.kind === "json" ? (oneSignalReply.safeParse(body.value).data ?? null) : null;
}
