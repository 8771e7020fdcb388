import type { ClaimedDelivery } from "../../db/queries/deliveries.ts";
import type { NotificationKind, PushMessage } from "../@channels/channel.ts";
import type { DeepLink, DeepLinks } from "../@deep_links/deep_links.ts";
import { render } from "./render.ts";

/** How urgently a phone is woken: for what its owner has to do, at once; for what only is good to know, when it is awake. */
const urgencies: Record<NotificationKind, PushMessage["urgency"]> = {
  reauth_required: "high",
  reauth_reminder: "normal",
  recovered: "low",
  sync_failing: "normal",
  provider_down: "low",
  provider_recovered: "low",
};

const NOWHERE: DeepLink = { webUrl: null, appUrl: null };

/** The message of a delivery, in its user's language, with a link to what it asks for. */
export function compose(delivery: ClaimedDelivery, links: DeepLinks): PushMessage {
  const { id, userId, kind, platform, accountId, accountName, params, language, topic, expiresAt, now } = delivery;
  return {
    idempotencyKey: id,
    userId,
    language,
    ...render({ kind, platform, accountName, params }, language),
    kind,
    platformSource: platform,
    accountId,
    tag: topic,
    urgency: urgencies[kind],
    ttlSeconds: Math.max(0, Math.floor((expiresAt.getTime() - now.getTime()) / 1000)),
    ...linkTo(delivery, links),
  };
}

function linkTo({ kind, accountId, userId, now }: ClaimedDelivery, links: DeepLinks): DeepLink {
  if (accountId === null) return NOWHERE;
  return kind === "reauth_required" || kind === "reauth_reminder"
    ? links.reauthentication({ accountId, userId }, now)
    : links.settings(accountId);
}
