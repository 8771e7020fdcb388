import { z } from "zod";
import type { Queryable } from "../queryable.ts";

/** What the database remembers of one encryption key: a known text, sealed by it. */
export type KeyCheck = { keyId: string; sealed: Buffer };

const keyCheckRow = z
  .object({ key_id: z.string(), sealed: z.instanceof(Buffer) })
  .transform(({ key_id, sealed }): KeyCheck => ({ keyId: key_id, sealed }));

/** Every key that the database remembers. */
export const listKeyChecks = async (db: Queryable): Promise<KeyCheck[]> => {
  const { rows } = await db.query("select key_id, sealed from app_private.list_key_checks()");
  return z.array(keyCheckRow).parse(rows);
};

/** Remembers a key, unless one of that id is remembered already: the first to come wins. */
export const putKeyCheck = async (db: Queryable, { keyId, sealed }: KeyCheck): Promise<void> => {
  await db.query("select app_private.put_key_check($1, $2)", [keyId, sealed]);
};

/** A key that sealed something here and that a process does not have. */
export type MissingKey = { keyId: string; sealedCount: number };

const missingKeyRow = z
  .object({ key_id: z.string(), sealed_count: z.number() })
  .transform(({ key_id, sealed_count }): MissingKey => ({ keyId: key_id, sealedCount: sealed_count }));

/** The keys, besides these, without which something that lies here could never be opened. */
export const missingKeys = async (db: Queryable, keyIds: readonly string[]): Promise<MissingKey[]> => {
  const { rows } = await db.query("select key_id, sealed_count from app_private.missing_keys($1)", [keyIds]);
  return z.array(missingKeyRow).parse(rows);
};
