import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";
import type { PlatformSource } from "./runs.ts";

/** What is kept of a webhook; db/migrations/0008_webhooks.sql says what each field may be. */
export type Webhook = {
  platform: PlatformSource;
  /** What makes two deliveries the same one. */
  dedupeKey: string;
  /** Keyed hash of the body, base64. */
  bodyHmac: string;
  event: string;
  eventId?: string | undefined;
  providerAccountId?: string | undefined;
  referenceId?: string | undefined;
  jobId?: string | undefined;
  status?: string | undefined;
  dataStatus?: string | undefined;
  syncStatus?: string | undefined;
  hasNewData?: boolean | undefined;
  occurredAt?: string | undefined;
  /** Keyed HMAC of providerAccountId, base64: by it what comes late for an account that is no more is recognised. */
  externalIdHmac?: string | undefined;
};

/** Takes webhooks in, each once, and has them judged; answers how many were new. */
export const receiveWebhooks = async (db: Queryable, webhooks: readonly Webhook[]): Promise<number> =>
  (
    await row(db, z.object({ received: z.number() }), "select app_private.receive_webhooks($1) as received", [
      JSON.stringify(webhooks),
    ])
  ).received;

/** Judges what waits in the inbox, oldest first; answers how many, at most `limit`. */
export const processWebhooks = async (db: Queryable, limit: number): Promise<number> =>
  (await row(db, z.object({ judged: z.number() }), "select app_private.process_webhooks($1) as judged", [limit]))
    .judged;
