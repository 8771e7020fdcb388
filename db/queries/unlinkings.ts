import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";
import { failureKind, type PlatformSource, platformSource } from "./runs.ts";

const unlinking = z
  .object({
    id: z.string(),
    account_id: z.guid(),
    platform_source: platformSource,
    external_id: z.string(),
    now: z.coerce.date(),
  })
  .transform(({ id, account_id, platform_source, external_id, now }) => ({
    id,
    accountId: account_id,
    platform: platform_source,
    externalId: external_id,
    now,
  }));

/** The end of a link that its provider has yet to confirm. `now` is business time. */
export type Unlinking = z.infer<typeof unlinking>;

/** Claims up to `limit` that are due at these platforms, or those of one account. */
export const beginUnlinkings = (
  db: Queryable,
  platforms: readonly PlatformSource[],
  accountId: string | null,
  limit = 1,
): Promise<Unlinking[]> =>
  rows(db, unlinking, "select * from app_private.begin_unlinkings($1::app_public.platform_source[], $2, $3)", [
    platforms,
    accountId,
    limit,
  ]);

const confirmed = z.object({ id: z.string(), outcome: z.enum(["dropped", "kept", "stale"]) });
/** What became of the account's secrets: db/functions/confirm_unlinkings.sql. */
export type Confirmed = z.infer<typeof confirmed>;

/** The provider has confirmed: secrets are dropped. `externalIdHmac` is the tombstone, base64. */
export const confirmUnlinkings = (
  db: Queryable,
  confirmations: readonly { id: string; externalIdHmac: string }[],
): Promise<Confirmed[]> =>
  rows(db, confirmed, "select * from app_private.confirm_unlinkings($1)", [JSON.stringify(confirmations)]);

/** The provider did not confirm; `retryAt` where a moment for the next try is known. */
export const recordUnlinkFailures = async (
  db: Queryable,
  failures: readonly { id: string; kind: z.infer<typeof failureKind>; message: string; retryAt: string | null }[],
): Promise<void> => {
  await db.query("select app_private.record_unlink_failures($1)", [JSON.stringify(failures)]);
};

/** Forgets the people whose providers have all confirmed; answers their receipts. */
export const completeErasures = async (db: Queryable): Promise<string[]> =>
  (await rows(db, z.object({ id: z.guid() }), "select id from app_private.complete_erasures() as id", [])).map(
    ({ id }) => id,
  );
