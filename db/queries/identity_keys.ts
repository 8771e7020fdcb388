import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";

/** The identity key as it is stored. */
export type SealedIdentityKey = { keyId: string; sealed: Buffer };

const sealedRow = z
  .object({ key_id: z.string(), sealed: z.instanceof(Buffer) })
  .transform(({ key_id, sealed }): SealedIdentityKey => ({ keyId: key_id, sealed }));

/** Undefined before it was made. */
export const sealedIdentityKey = async (db: Queryable): Promise<SealedIdentityKey | undefined> =>
  (await rows(db, sealedRow, "select key_id, sealed from app_private.identity_key()", []))[0];

/** Stores the first one, or in place of `old` the same key sealed anew; false when something else stands there. */
export const putIdentityKey = async (
  db: Queryable,
  { keyId, sealed }: SealedIdentityKey,
  old: SealedIdentityKey | null,
): Promise<boolean> =>
  (
    await row(db, z.object({ stored: z.boolean() }), "select app_private.put_identity_key($1, $2, $3) as stored", [
      keyId,
      sealed,
      old?.sealed ?? null,
    ])
  ).stored;
