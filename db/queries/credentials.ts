import { z } from "zod";
import type { Queryable } from "../queryable.ts";

/** One sealed credential as it is stored. */
export type SealedCredential = { accountId: string; kind: string; keyId: string; sealed: Buffer };

/** A credential under its new key, together with what it replaces. */
export type ResealedCredential = SealedCredential & { oldKeyId: string; oldSealed: Buffer };

const sealedRow = z
  .object({ account_id: z.string(), kind: z.string(), key_id: z.string(), sealed: z.instanceof(Buffer) })
  .transform(({ account_id, kind, key_id, sealed }) => ({ accountId: account_id, kind, keyId: key_id, sealed }));

/** Up to `limit` credentials that another key than `keyId` sealed, in a stable order. */
export const listCredentialsToReseal = async (
  db: Queryable,
  keyId: string,
  limit: number,
): Promise<SealedCredential[]> => {
  const { rows } = await db.query(
    "select account_id, kind, key_id, sealed from app_private.list_credentials_to_reseal($1, $2)",
    [keyId, limit],
  );
  return z.array(sealedRow).parse(rows);
};

/**
 * Stores credentials under their new key and answers how many were. One whose stored value is no longer the old one
 * (somebody replaced the secret meanwhile) is left as it is.
 */
export const resealCredentials = async (db: Queryable, credentials: readonly ResealedCredential[]): Promise<number> => {
  const changes = credentials.map(({ accountId, kind, keyId, sealed, oldKeyId, oldSealed }) => ({
    account_id: accountId,
    kind,
    old_key_id: oldKeyId,
    old_sealed: oldSealed.toString("base64"),
    key_id: keyId,
    sealed: sealed.toString("base64"),
  }));
  const { rows } = await db.query("select app_private.reseal_credentials($1::json) as changed", [
    JSON.stringify(changes),
  ]);
  return z.tuple([z.object({ changed: z.coerce.number().int().nonnegative() })]).parse(rows)[0].changed;
};
