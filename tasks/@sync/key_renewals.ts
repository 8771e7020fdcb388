import { randomUUID } from "node:crypto";
import {
  claimKeyRenewal,
  type KeyRenewalClaim,
  releaseKeyRenewal,
  storeRenewedKey,
} from "../../db/queries/key_renewals.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { open, seal } from "../@credentials/seal.ts";
import { databaseCall } from "./database_failure.ts";
import type { LeasedAccount, SyncContext, WalletKey } from "./platform.ts";
import { RunWaitError } from "./run_wait.ts";

const KIND = "momo_api_key";

/** How long a run waits for the key that another worker is making. */
const WAIT_MS = 5_000;

/**
 * Renews the keys of wallets, one worker at a time for each wallet, with no transaction open while the provider makes a key:
 * claim, ask, seal, store by comparing the claim.
 *
 * A provider tells a new key once and never again, and making it may end the old one. So it is stored before anything else is
 * done with it; where that fails (the worker is killed, the database goes away), it is lost with the process. Nothing else
 * is: the claim ends by itself after two minutes, the next run finds the stored key refused, and makes another. What is
 * left behind at the provider is one key that nobody knows.
 */
export class KeyRenewals {
  readonly #db: Queryable;
  readonly #keyring: Keyring;

  constructor(db: Queryable, keyring: Keyring) {
    this.#db = db;
    this.#keyring = keyring;
  }

  /** @param onRenewed told after a new key was stored */
  of(account: LeasedAccount, onRenewed: (renewed: { accounts: number; newApiUser: boolean }) => void) {
    const renew: SyncContext["renewKey"] = async (refused, make) => {
      const holder = randomUUID();
      const claim = await databaseCall(() => claimKeyRenewal(this.#db, account, holder));
      // Whoever waits for the same token would be told so as well: each is to find out about its own lease.
      if (claim === undefined || claim.outcome === "lost") throw new RunWaitError("the lease was lost", WAIT_MS);
      const newer = this.#newerKey(account.accountId, claim, refused);
      if (claim.outcome === "claimed" && newer === null) {
        const made = await this.#make(holder, () => make({ hasOpenReferences: claim.hasOpenReferences }));
        if (made === null) return null;
        const keys = claim.accountIds.map((id) => ({
          accountId: id,
          ...seal(this.#keyring, { accountId: id, kind: KIND }, made.apiKey),
        }));
        const stored = await databaseCall(() => storeRenewedKey(this.#db, holder, made.apiUser, keys));
        // Somebody else took over: whatever key they made ended ours.
        if (stored === 0) throw new RunWaitError("the wallet's key is being renewed by another worker", WAIT_MS);
        onRenewed({ accounts: stored, newApiUser: made.apiUser !== account.externalId });
        return made;
      }
      if (claim.outcome === "claimed") await databaseCall(() => releaseKeyRenewal(this.#db, holder));
      if (newer !== null) return newer;
      if (claim.outcome === "busy") {
        throw new RunWaitError("the wallet's key is being renewed by another worker", WAIT_MS);
      }
      return null;
    };
    return renew;
  }

  /** The key that took the refused one's place while we were being refused. */
  #newerKey(accountId: string, { stored, apiUser }: KeyRenewalClaim, refused: string): WalletKey | null {
    if (stored === null || apiUser === null) return null;
    const apiKey = open(this.#keyring, { accountId, kind: KIND }, stored);
    return apiKey === refused ? null : { apiUser, apiKey };
  }

  async #make<T>(holder: string, make: () => Promise<T | null>): Promise<T | null> {
    let made: T | null = null;
    try {
      made = await make();
      return made;
    } finally {
      if (made === null) await databaseCall(() => releaseKeyRenewal(this.#db, holder));
    }
  }
}
