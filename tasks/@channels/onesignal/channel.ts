import type { HttpClient, HttpReply, HttpRequest } from "../../@http/client.ts";
import { urlUnder } from "../../@http/client.ts";
import type { PlatformSource } from "../../@sync/platform.ts";
import type { DeliveryOutcome, PushMessage, SendContext } from "../channel.ts";
import { transportOutcome } from "../outcomes.ts";
import { judgeNotification, judgeTags, type ReplyContext } from "./judge_reply.ts";

export type OneSignalOptions = {
  http: HttpClient;
  baseUrl: string;
  appId: string;
  apiKey: string;
  deadlineMs?: number;
};

/** The worst state among a user's accounts of a platform; null where they have none. */
export type PlatformTags = Record<PlatformSource, "active" | "auth_required" | "error" | null>;

export type OneSignalChannel = {
  /**
   * One attempt to have OneSignal tell the user, on all their devices. With the same `idempotencyKey` OneSignal sends it
   * once, for 30 days. Throws what `permit` throws, and our own mistakes; everything else is an outcome.
   */
  send(message: PushMessage, context: SendContext): Promise<DeliveryOutcome>;
  /**
   * Mirrors the state of a user's accounts as tags, so that segments can be made of it (`mono_sync_status` is
   * `auth_required`). Outcomes as those of `send`.
   */
  mirrorTags(userId: string, tags: PlatformTags, context: SendContext): Promise<DeliveryOutcome>;
};

/** OneSignal docs, create notification. */
const MAX_TTL_SECONDS = 2_419_200;

/**
 * OneSignal's API (OneSignal docs, `create-notification` and `update-user`; never called by us for real). Users are known
 * there by our user id as external id, which the app sets when they sign in (`OneSignal.login`). Throws InsecureUrlError.
 */
export function createOneSignal({
  http,
  baseUrl,
  appId,
  apiKey,
  deadlineMs = 10_000,
}: OneSignalOptions): OneSignalChannel {
  const notificationsUrl = urlUnder(baseUrl, "/notifications");

  async function attempt(
    request: Pick<HttpRequest, "operation" | "method" | "url" | "json">,
    judge: (reply: HttpReply, context: ReplyContext) => DeliveryOutcome,
    about: Pick<ReplyContext, "userId" | "secrets">,
    context: SendContext,
  ): Promise<DeliveryOutcome> {
    let reply: HttpReply;
    try {
      reply = await http.send({
        ...request,
        headers: { authorization: `Key ${apiKey}` },
        call: context,
        deadlineMs,
      });
    } catch (error) {
      const outcome = transportOutcome(error, "OneSignal");
      if (outcome === null) throw error;
      return outcome;
    }
    return judge(reply, { ...about, now: context.now() });
  }

  return {
    send: (message, context) =>
      attempt(
        { operation: "create notification", method: "POST", url: notificationsUrl, json: notification(appId, message) },
        judgeNotification,
        { userId: message.userId, secrets: [apiKey, ...textsOf(message)] },
        context,
      ),
    mirrorTags: (userId, tags, context) =>
      attempt(
        {
          operation: "mirror tags",
          method: "PATCH",
          url: urlUnder(
            baseUrl,
            `/apps/${encodeURIComponent(appId)}/users/by/external_id/${encodeURIComponent(userId)}`,
          ),
          json: { properties: { tags: tagsOf(tags) } },
        },
        judgeTags,
        { userId, secrets: [apiKey] },
        context,
      ),
  };
}

/** The body of `POST /notifications`. `data` is what the app gets besides the text: ids and kinds, no person. */
function notification(appId: string, message: PushMessage) {
  const { language, title, body, appUrl, webUrl } = message;
  return {
    app_id: appId,
    include_aliases: { external_id: [message.userId] },
    target_channel: "push",
    idempotency_key: message.idempotencyKey,
    // OneSignal chooses by the device's language and falls back to English, which it demands. The user's choice is ours.
    headings: { en: title, [language]: title },
    contents: { en: body, [language]: body },
    ...(appUrl === null ? {} : { app_url: appUrl }),
    ...(webUrl === null ? {} : { web_url: webUrl }),
    collapse_id: message.tag,
    web_push_topic: message.tag,
    ttl: Math.min(message.ttlSeconds, MAX_TTL_SECONDS),
    priority: message.urgency === "high" ? 10 : 5,
    data: { kind: message.kind, platform: message.platformSource, accountId: message.accountId, tag: message.tag },
  };
}

/** Tags are text, and an empty one removes the tag (OneSignal docs, data tags). */
const tagsOf = (tags: PlatformTags): Record<string, string> =>
  Object.fromEntries(Object.entries(tags).map(([platform, status]) => [`${platform}_sync_status`, status ?? ""]));

function textsOf({ title, body, appUrl, webUrl }: PushMessage): string[] {
  return [title, body, appUrl, webUrl].filter((text) => text !== null);
}
