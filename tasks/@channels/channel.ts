/**
 * What every push channel is given, and what it answers: the words that `send_onesignal` and `send_web_push` share with the
 * database. A channel talks and tells; when to try again, and what becomes of a delivery, is SQL's.
 */
import type { Call } from "../@http/client.ts";
import type { Instant, PlatformSource } from "../@sync/platform.ts";

/** app_public.notification_kind. */
export type NotificationKind =
  "reauth_required" | "reauth_reminder" | "recovered" | "sync_failing" | "provider_down" | "provider_recovered";

/** One message for one user, ready to be shown: in the user's language, with no more about a person than a nickname. */
export type PushMessage = {
  /** A UUID, the same for every attempt at one delivery: whoever sees it twice shows it once. */
  idempotencyKey: string;
  userId: string;
  /** Of title and body: ISO 639-1, `en` or `fr` to begin with. */
  language: string;
  title: string;
  body: string;
  kind: NotificationKind;
  platformSource: PlatformSource;
  /** Null: about a platform, not one account. */
  accountId: string | null;
  /** At most 32 URL-safe base64 characters, the same for all messages of one episode: a newer one replaces an older. */
  tag: string;
  urgency: "low" | "normal" | "high";
  /** How long the message is worth delivering to a device that is off. */
  ttlSeconds: number;
  /** Opens the app where there is one (APP_DEEP_LINK_BASE). */
  appUrl: string | null;
  webUrl: string | null;
};

/**
 * How one attempt went. `code` is the channel's own word or ours, for grouping; `reason` a sentence for people. Neither
 * holds a secret or anything about a person.
 */
export type DeliveryOutcome =
  /** The channel has taken it over. `isReplay`: it had already, and the earlier answer came again. */
  | { kind: "delivered"; providerMessageId: string | null; isReplay: boolean }
  /** Try again with the same key; not before then, where the channel named a time. */
  | { kind: "retry"; notBefore: Instant | null; code: string; reason: string }
  /** Nobody is there: unsubscribed, unknown or gone. `removeSubscription`: this one never comes back. */
  | { kind: "unreachable"; code: string; reason: string; removeSubscription: boolean }
  /** This message will never be taken as it is. */
  | { kind: "refused"; code: string; reason: string }
  /** Our own key or set-up is at fault: an operator's alert, and no user's. Tried again once that is mended. */
  | { kind: "configuration"; code: string; reason: string };

/** For whom a message is sent, and what time it is: business time, as everywhere. */
export type SendContext = Call & { now(): Date };
