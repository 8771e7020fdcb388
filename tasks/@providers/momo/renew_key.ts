import { randomUUID } from "node:crypto";
import { ProviderError } from "../../@http/errors.ts";
import type { SyncContext, WalletKey } from "../../@sync/platform.ts";
import type { MomoClient, MomoProvisioning, MomoWallet } from "./client.ts";

/** Where MTN lets a program make keys. In production its Partner Portal does, by hand. */
const PROVISIONING = "sandbox";

/** What MTN's token endpoint says to a key that was rotated or revoked (MTN docs). */
const REFUSALS: ReadonlySet<string | null> = new Set(["login_failed", "invalid_client"]);

/**
 * A wallet whose refused key is renewed by itself, once in a run, where MTN allows that.
 */
export class RenewableWallet {
  #wallet: MomoWallet;
  #isRenewed = false;
  readonly #client: MomoClient;
  readonly #provisioning: MomoProvisioning;
  readonly #callbackHost: string | null;

  constructor(
    wallet: MomoWallet,
    by: { client: MomoClient; provisioning: MomoProvisioning; callbackHost: string | null },
  ) {
    this.#wallet = wallet;
    this.#client = by.client;
    this.#provisioning = by.provisioning;
    this.#callbackHost = by.callbackHost;
  }

  /** With the key that works, as far as is known. */
  get current(): MomoWallet {
    return this.#wallet;
  }

  /** Mints a token; for a refused key, with the one that takes its place. Throws what MTN said where there is none. */
  async mintToken(context: SyncContext): ReturnType<MomoClient["mintToken"]> {
    try {
      return await this.#client.mintToken(this.#wallet, context);
    } catch (refusal) {
      if (this.#isRenewed || !isRefusedKey(refusal) || this.#wallet.targetEnvironment !== PROVISIONING) throw refusal;
      this.#isRenewed = true;
      const renewed = await context.renewKey(this.#wallet.apiKey, (about) => this.#make(about, context));
      if (renewed === null) throw refusal;
      this.#wallet = { ...this.#wallet, ...renewed };
      return this.#client.mintToken(this.#wallet, context);
    }
  }

  /**
   * Null where MTN does not know the API user any more: a new one would be another wallet, so that its owner is asked.
   *
   * The callback host of an API user cannot be changed, and MTN refuses payments that call back to another (measured by
   * third parties). So a user made for another host than ours is replaced, but not while payments are open that only it
   * can be asked about.
   */
  async #make({ hasOpenReferences }: { hasOpenReferences: boolean }, context: SyncContext): Promise<WalletKey | null> {
    const { apiUser } = this.#wallet;
    const user = await this.#provisioning.readApiUser(apiUser, context);
    if (user === null) return null;
    const isOfAnotherHost =
      this.#callbackHost !== null && (user.callbackHost ?? "") !== "" && user.callbackHost !== this.#callbackHost;
    if (this.#callbackHost === null || !isOfAnotherHost || hasOpenReferences) {
      return { apiUser, ...(await this.#provisioning.createApiKey(apiUser, context)) };
    }
    const another = randomUUID();
    await this.#provisioning.createApiUser(another, this.#callbackHost, context);
    return { apiUser: another, ...(await this.#provisioning.createApiKey(another, context)) };
  }
}

const isRefusedKey = (error: unknown): boolean =>
  error instanceof ProviderError &&
  error.operation === "mint token" &&
  error.status === 401 &&
  REFUSALS.has(error.code);
