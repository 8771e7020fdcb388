import { createHash } from "node:crypto";
import type { Queryable } from "../../db/queryable.ts";
import { forgetWalletToken, storeWalletToken, walletToken } from "../../db/queries/wallet_tokens.ts";
import { CredentialError } from "../@credentials/credential_error.ts";
import { openWalletToken, sealWalletToken, type WalletTokenOwner } from "../@credentials/wallet_token.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { databaseCall } from "./database_failure.ts";
import type { LeasedAccount, TokenCache } from "./platform.ts";

const LEAST_LIFE_MS = 10 * 60_000;

type Wallet = WalletTokenOwner & { inMemory: string };

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

  /**
   * The tokens of one account's wallet, shared by those who have the same credentials for it: to know the id of somebody
   * else's wallet opens nothing. `now` is business time.
   */
  of(account: LeasedAccount, now: () => Date): (purpose: string) => TokenCache {
    const credentials = hashOf(account.credentials);
    return (purpose) => {
      const key = [account.platform, account.baseUrl, account.targetEnvironment, account.externalId, purpose].join(" ");
      const wallet: Wallet = { key, credentials, inMemory: `${key} ${credentials}` };
      return {
        get: (mint) => {
          const kept = this.#kept.get(wallet.inMemory);
          if (kept !== undefined && kept.expiresAt - now().getTime() >= LEAST_LIFE_MS)
            return Promise.resolve(kept.token);
          const asked = this.#asking.get(wallet.inMemory) ?? this.#ask(wallet, mint, now);
          this.#asking.set(wallet.inMemory, asked);
          return asked;
        },
        forget: async (token) => {
          const kept = this.#kept.get(wallet.inMemory);
          if (kept?.token !== token) return;
          this.#kept.delete(wallet.inMemory);
          await databaseCall(() => forgetWalletToken(this.#db, wallet.key, kept.sealed));
        },
      };
    };
  }

  async #ask(wallet: Wallet, mint: Parameters<TokenCache["get"]>[0], now: () => Date): Promise<string> {
    try {
      const shared = await this.#shared(wallet, now);
      if (shared !== null) {
        this.#kept.set(wallet.inMemory, shared);
        return shared.token;
      }
      const { token, expiresInSeconds } = await mint();
      const expiresAt = now().getTime() + expiresInSeconds * 1000;
      const { keyId, sealed } = sealWalletToken(this.#keyring, wallet, token);
      await databaseCall(() =>
        storeWalletToken(this.#db, wallet.key, { keyId, sealed, expiresAt: new Date(expiresAt) }),
      );
      this.#kept.set(wallet.inMemory, { token, sealed, expiresAt });
      return token;
    } finally {
      this.#asking.delete(wallet.inMemory);
    }
  }

  /** What another process minted; null where there is none, or none that our keys and this wallet's credentials open. */
  async #shared(wallet: Wallet, now: () => Date): Promise<Kept | null> {
    const row = await databaseCall(() => walletToken(this.#db, wallet.key));
    if (row === undefined) return null;
    const { key_id: keyId, sealed, expires_in_seconds: seconds } = row;
    try {
      const token = openWalletToken(this.#keyring, wallet, { keyId, sealed });
      return { token, sealed, expiresAt: now().getTime() + seconds * 1000 };
    } catch (error) {
      if (error instanceof CredentialError) return null;
      throw error;
    }
  }
}

/** As JSON the parts are unambiguous. It stays in this process: as associated data, it is stored nowhere. */
const hashOf = (credentials: Record<string, string>): string =>
  createHash("sha256")
    .update(JSON.stringify(Object.entries(credentials).toSorted(([a], [b]) => (a < b ? -1 : 1))))
    .digest("base64url");
