import type { Queryable } from "../../db/queryable.ts";
import { keepReauthLink, type ReauthTarget, reauthTarget } from "../../db/queries/reauthentication.ts";
import { associate, decrypt, encrypt } from "../../tasks/@credentials/authenticated_encryption.ts";
import { CredentialError } from "../../tasks/@credentials/credential_error.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";

/**
 * Pages at Mono, minted when somebody taps and handed out again for the minutes that they live: scanners follow a link before
 * people do, and people tap twice. What is kept in the database is sealed, and shared by all servers.
 */
export class MintedPages {
  readonly #db: Queryable;
  readonly #keyring: Keyring;
  readonly #asking = new Map<string, Promise<string>>();

  /** @param db acts as app_service */
  constructor(db: Queryable, keyring: Keyring) {
    this.#db = db;
    this.#keyring = keyring;
  }

  /** The page of an account; `mint` is asked for one only where none lives, and once for all who wait. */
  page(accountId: string, mint: () => Promise<string>): Promise<string> {
    const asked =
      this.#asking.get(accountId) ?? this.#ask(accountId, mint).finally(() => this.#asking.delete(accountId));
    this.#asking.set(accountId, asked);
    return asked;
  }

  async #ask(accountId: string, mint: () => Promise<string>): Promise<string> {
    const kept = (await reauthTarget(this.#db, accountId))?.minted ?? null;
    const page = kept === null ? null : this.#open(accountId, kept);
    if (page !== null) return page;
    const url = await mint();
    await keepReauthLink(this.#db, accountId, encrypt(this.#keyring, owner(accountId), Buffer.from(url)));
    return url;
  }

  /** Null where a key sealed it that is gone by now. */
  #open(accountId: string, minted: NonNullable<ReauthTarget["minted"]>): string | null {
    try {
      return decrypt(this.#keyring, owner(accountId), minted).toString();
    } catch (error) {
      if (error instanceof CredentialError) return null;
      throw error;
    }
  }
}

const owner = (accountId: string): Buffer => associate("tidemark reauth link", accountId);
