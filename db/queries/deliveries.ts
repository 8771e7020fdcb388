import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";
import { platformSource } from "./runs.ts";

/** app_public.notification_channel, but for the feed, which nobody has to send. */
export type PushChannel = "onesignal" | "web_push";

export const notificationKind = z.enum([
  "reauth_required",
  "reauth_reminder",
  "recovered",
  "sync_failing",
  "provider_down",
  "provider_recovered",
]);

/** app_public.notification_language. */
export const notificationLanguage = z.enum(["en", "fr"]);
export type NotificationLanguage = z.infer<typeof notificationLanguage>;

const claimed = z
  .object({
    id: z.guid(),
    attempt: z.number(),
    user_id: z.guid(),
    kind: notificationKind,
    platform_source: platformSource,
    account_id: z.guid().nullable(),
    account_name: z.string().nullable(),
    params: z.unknown(),
    language: notificationLanguage,
    topic: z.string(),
    expires_at: z.coerce.date(),
    now: z.coerce.date(),
    subscription: z.object({ endpoint: z.string(), p256dh: z.string(), auth: z.string() }).nullable(),
    run_id: z.string().nullable(),
  })
  .transform(({ user_id, platform_source, account_id, account_name, expires_at, run_id, ...same }) => ({
    ...same,
    userId: user_id,
    platform: platform_source,
    accountId: account_id,
    accountName: account_name,
    expiresAt: expires_at,
    /** The run that it tells of; null where none is known, of a webhook say. */
    runId: run_id,
  }));

/** A delivery that this worker holds, with all that its message needs. `now` and `expiresAt` are business time. */
export type ClaimedDelivery = z.infer<typeof claimed>;

/** Claims deliveries; what is not answered is not to be sent, now or at all: db/functions/begin_deliveries.sql. */
export const beginDeliveries = (
  db: Queryable,
  channel: PushChannel,
  worker: string,
  ids: readonly string[],
): Promise<ClaimedDelivery[]> =>
  rows(db, claimed, "select * from app_private.begin_deliveries($1, $2, $3)", [channel, worker, ids]);

/** How one attempt went: db/functions/record_deliveries.sql. */
export type Attempt = {
  id: string;
  attempt: number;
  kind: "delivered" | "retry" | "unreachable" | "refused" | "configuration";
  code?: string;
  reason?: string;
  /** ISO 8601, business time. */
  notBefore?: string | null;
  providerMessageId?: string | null;
  removeSubscription?: boolean;
};

const recorded = z.object({ id: z.guid(), outcome: z.enum(["ok", "lost"]) });

/** `lost`: somebody else holds the delivery by now, or it was over already. */
export const recordDeliveries = (db: Queryable, attempts: readonly Attempt[]): Promise<z.infer<typeof recorded>[]> =>
  rows(db, recorded, "select * from app_private.record_deliveries($1)", [JSON.stringify(attempts)]);

const count = z.object({ count: z.number() });

/** Hands due deliveries to the workers; answers how many, at most `limit`. */
export const enqueueDueDeliveries = async (db: Queryable, limit: number): Promise<number> =>
  (await row(db, count, "select app_private.enqueue_due_deliveries($1) as count", [limit])).count;

/**
 * A worker with keys for these channels begins: what waited for them is due at once, at most `limit` a call. Answers how many:
 * db/functions/resume_deliveries.sql.
 */
export const resumeDeliveries = async (
  db: Queryable,
  channels: readonly PushChannel[],
  limit: number,
): Promise<number> =>
  (await row(db, count, "select app_private.resume_deliveries($1, $2) as count", [channels, limit])).count;

/** Reminds owners who are still waited for; answers how many, at most `limit`. */
export const remindOwners = async (db: Queryable, limit: number): Promise<number> =>
  (await row(db, count, "select app_private.remind_owners($1) as count", [limit])).count;
