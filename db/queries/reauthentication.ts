import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";
import { platformSource } from "./runs.ts";

const target = z
  .object({
    user_id: z.string(),
    platform_source: platformSource,
    mono_account_id: z.string().nullable(),
    standing: z.enum(["needs_you", "connected", "unlinked"]),
    now: z.coerce.date(),
    key_id: z.string().nullable(),
    sealed: z.instanceof(Buffer).nullable(),
  })
  .transform(({ user_id, platform_source, mono_account_id, standing, now, key_id, sealed }) => ({
    userId: user_id,
    platform: platform_source,
    monoAccountId: mono_account_id,
    standing,
    /** Business time. */
    now,
    /** The page at Mono that was minted a moment ago, sealed. */
    minted: key_id === null || sealed === null ? null : { keyId: key_id, sealed },
  }));

/** What a link to an account's re-authentication leads to. */
export type ReauthTarget = z.infer<typeof target>;

/** Undefined for an account that is unknown. */
export const reauthTarget = async (db: Queryable, accountId: string): Promise<ReauthTarget | undefined> =>
  (await rows(db, target, "select * from app_private.reauth_target($1)", [accountId]))[0];

/** Keeps the page at Mono that was just minted, for the minutes that it lives. */
export const keepReauthLink = async (
  db: Queryable,
  accountId: string,
  { keyId, sealed }: { keyId: string; sealed: Buffer },
): Promise<void> => {
  await row(db, z.object({}), "select app_private.keep_reauth_link($1, $2, $3)", [accountId, keyId, sealed]);
};

/** Remembers on the account's open episode, if there is one, that its owner went to renew it. */
export const recordTap = async (db: Queryable, accountId: string): Promise<void> => {
  await row(db, z.object({}), "select app_private.record_tap($1)", [accountId]);
};
