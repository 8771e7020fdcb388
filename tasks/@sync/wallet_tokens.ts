import type { Queryable } from "../../db/queryable.ts";
import { forgetWalletToken, storeWalletToken, walletToken } from "../../db/queries/wallet_tokens.ts";
import { CredentialError } from "../@credentials/credential_error.ts";
import { openWalletToken, sealWalletToken } from "../@credentials/wallet_token.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { databaseCall } from "./database_failure.ts";
import type { LeasedAccount, TokenCache } from "./platform.ts";

const LEAST_LIFE_MS = 10 * 60_000;

type Kept = { token: string; sealed: Buffer; expiresAt: number };

/**
 * Tokens shared by all workers of a wallet: in this process by memory, between processes by app_private.wallet_tokens,
 * where they lie sealed. One process mints once at a time for a wallet; two processes that need a token in the same
 * second both mint, which a provider bears and a lock across an HTTP call would not be worth.
 */
export class WalletTokens {
  readonly #db: Queryable;
  readonly #keyring: Keyring;
  readonly #kept = new Map<string, Kept>();
  readonly #asking = new Map<string, Promise<string>>();

  constructor(db: Queryable, keyring: Keyring) {
    this.#db = db;
    this.#keyring = keyring;
  }

  /** The tokens of one account's wallet. `now` is business time. */
  of(account: LeasedAccount, now: () => Date): (purpose: string) => TokenCache {
    return (purpose) => {
      const walletKey = [
        account.platform,
        account.baseUrl,
        account.targetEnvironment,
        account.externalId,
        purpose,
      ].join(" ");
      return {
        get: (mint) => {
          const kept = this.#kept.get(walletKey);
          if (kept !== undefined && kept.expiresAt - now().getTime() >= LEAST_LIFE_MS)
            return Promise.resolve(kept.token);
          const asked = this.#asking.get(walletKey) ?? this.#ask(walletKey, mint, now);
          this.#asking.set(walletKey, asked);
          return asked;
        },
        forget: async (token) => {
          const kept = this.#kept.get(walletKey);
          if (kept?.token !== token) return;
          this.#kept.delete(walletKey);
          await databaseCall(() => forgetWalletToken(this.#db, walletKey, kept.sealed));
        },
      };
    };
  }

  async #ask(walletKey: string, mint: Parameters<TokenCache["get"]>[0], now: () => Date): Promise<string> {
    try {
      const shared = await this.#shared(walletKey, now);
      if (shared !== null) {
        this.#kept.set(walletKey, shared);
        return shared.token;
      }
      const { token, expiresInSeconds } = await mint();
      const expiresAt = now().getTime() + expiresInSeconds * 1000;
      const { keyId, sealed } = sealWalletToken(this.#keyring, walletKey, token);
      await databaseCall(() =>
        storeWalletToken(this.#db, walletKey, { keyId, sealed, expiresAt: new Date(expiresAt) }),
      );
      this.#kept.set(walletKey, { token, sealed, expiresAt });
      return token;
    } finally {
      this.#asking.delete(walletKey);
    }
  }

  /** What another process minted; null where there is none, or none that our keys open (sealed by a key now gone). */
  async #shared(walletKey: string, now: () => Date): Promise<Kept | null> {
    const row = await databaseCall(() => walletToken(this.#db, walletKey));
    if (row === undefined) return null;
    const { key_id: keyId, sealed, expires_in_seconds: seconds } = row;
    try {
      const token = openWalletToken(this.#keyring, walletKey, { keyId, sealed });
      return { token, sealed, expiresAt: now().getTime() + seconds * 1000 };
    } catch (error) {
      if (error instanceof CredentialError) return null;
      throw error;
    }
  }
}
