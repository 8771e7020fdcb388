import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";
import { type PlatformSource, platformSource } from "./runs.ts";

/** The answers of app_public.sync_request_outcome; db/functions/request_sync.sql explains them. */
export const syncRequestOutcome = z.enum([
  "queued",
  "already_running",
  "cooling_down",
  "needs_you",
  "paused",
  "provider_down",
]);

const accountAnswer = z.object({
  platform_source: platformSource,
  outcome: syncRequestOutcome,
  until: z.coerce.date().nullable(),
});
export type AccountSyncRequest = z.infer<typeof accountAnswer>;

/** Asks for a sync of one account, whoever owns it. Raises NTFND. */
export const requestAccountSync = (db: Queryable, accountId: string): Promise<AccountSyncRequest> =>
  row(db, accountAnswer, "select * from app_private.request_account_sync($1)", [accountId]);

const counts = z.object({
  queued: z.number(),
  running: z.number(),
  cooling_down: z.number(),
  needs_you: z.number(),
  paused: z.number(),
  provider_down: z.number(),
});
/** How many accounts got which answer; db/functions/request_syncs.sql. */
export type SyncCounts = z.infer<typeof counts>;

/** Asks for a sync of all accounts of a platform, at the pace of its quota. */
export const requestSyncs = (db: Queryable, platform: PlatformSource): Promise<SyncCounts> =>
  row(db, counts, "select * from app_private.request_syncs($1)", [platform]);
