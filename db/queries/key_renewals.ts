import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";
import type { Lease } from "./runs.ts";

const claim = z
  .object({
    outcome: z.enum(["claimed", "busy", "unproven", "renewed", "lost"]),
    external_id: z.string().nullable(),
    key_id: z.string().nullable(),
    sealed: z.instanceof(Buffer).nullable(),
    account_ids: z.array(z.string()),
    has_open_references: z.boolean(),
  })
  .transform(({ outcome, external_id, key_id, sealed, account_ids, has_open_references }) => ({
    outcome,
    /** The wallet's API user. */
    apiUser: external_id,
    /** The key that stands now. */
    stored: key_id === null || sealed === null ? null : { keyId: key_id, sealed },
    /** Every account of the wallet that gets the new key. */
    accountIds: account_ids,
    hasOpenReferences: has_open_references,
  }));

/** What db/functions/claim_key_renewal.sql answers. */
export type KeyRenewalClaim = z.infer<typeof claim>;

/** Undefined for an account that is gone. */
export const claimKeyRenewal = async (
  db: Queryable,
  { accountId, runId, epoch }: Lease,
  holder: string,
): Promise<KeyRenewalClaim | undefined> =>
  (
    await rows(db, claim, "select * from app_private.claim_key_renewal($1, $2, $3, $4)", [
      accountId,
      runId,
      epoch,
      holder,
    ])
  )[0];

/** Puts the new key in the place of the old one; answers for how many accounts, none where the claim was lost. */
export const storeRenewedKey = async (
  db: Queryable,
  holder: string,
  externalId: string,
  keys: readonly { accountId: string; keyId: string; sealed: Buffer }[],
): Promise<number> =>
  (
    await row(db, z.object({ stored: z.number() }), "select app_private.store_renewed_key($1, $2, $3) as stored", [
      holder,
      JSON.stringify(keys.map((key) => ({ ...key, sealed: key.sealed.toString("base64") }))),
      externalId,
    ])
  ).stored;

/** Nothing came of it: another worker may try. */
export const releaseKeyRenewal = async (db: Queryable, holder: string): Promise<void> => {
  await db.query("select app_private.release_key_renewal($1)", [holder]);
};
