import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";

const walletTokenRow = z.object({ key_id: z.string(), sealed: z.instanceof(Buffer), expires_in_seconds: z.number() });
export type WalletToken = z.infer<typeof walletTokenRow>;

/** The shared token of a wallet, sealed; undefined when there is none with ten minutes to live. */
export const walletToken = async (db: Queryable, walletKey: string): Promise<WalletToken | undefined> =>
  (
    await rows(db, walletTokenRow, "select key_id, sealed, expires_in_seconds from app_private.wallet_token($1)", [
      walletKey,
    ])
  )[0];

/** Shares a new token, unless one that lives longer stands already. */
export const storeWalletToken = async (
  db: Queryable,
  walletKey: string,
  token: { keyId: string; sealed: Buffer; expiresAt: Date },
): Promise<void> => {
  await db.query("select app_private.store_wallet_token($1, $2, $3, $4)", [
    walletKey,
    token.keyId,
    token.sealed,
    token.expiresAt.toISOString(),
  ]);
};

/** Forgets this very token; a newer one that replaced it stays. */
export const forgetWalletToken = async (db: Queryable, walletKey: string, sealed: Buffer): Promise<void> => {
  await db.query("select app_private.forget_wallet_token($1, $2)", [walletKey, sealed]);
};
