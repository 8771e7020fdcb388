import type { Environment } from "../../db/environment.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { identityKeyOf } from "../@linking/identity_key.ts";
import { linkKey, signLink, type TokenVerdict, verifyLink } from "./link_token.ts";

/** Where one tap leads: in a browser, and in the user's app. Null where that base is not configured. */
export type DeepLink = { webUrl: string | null; appUrl: string | null };

/** Whose link it is. */
export type LinkedAccount = { accountId: string; userId: string };

/** How long a link works: a reminder brings its own, and an older message is not worth a tap. */
export const LINK_LIFE_MS = 7 * 24 * 3_600_000;

const REAUTHENTICATE = "reauth";

/**
 * Links that lead from a notification to what it asks for. They are made when a message is written and verified when it is
 * tapped, perhaps by another process: what they share is the key.
 */
export class DeepLinks {
  readonly #key: Buffer;
  readonly #publicUrl: string | undefined;
  readonly #appBase: string | undefined;

  constructor(key: Buffer, bases: Pick<Environment, "PUBLIC_URL" | "APP_DEEP_LINK_BASE">) {
    this.#key = key;
    this.#publicUrl = bases.PUBLIC_URL;
    this.#appBase = bases.APP_DEEP_LINK_BASE;
  }

  /**
   * `/{account}/reauth?t=…`: renews an account's consent (Mono) or opens its set-up (MoMo).
   *
   * @param madeAt business time; the link works for seven days from then
   */
  reauthentication(account: LinkedAccount, madeAt: Date): DeepLink {
    const expiresAt = new Date(madeAt.getTime() + LINK_LIFE_MS);
    const token = signLink(this.#key, { ...account, purpose: REAUTHENTICATE }, expiresAt);
    return this.#at(`${account.accountId}/reauth?t=${token}`);
  }

  /** @param now business time */
  verifyReauthentication(account: LinkedAccount, token: string, now: Date): TokenVerdict {
    return verifyLink(this.#key, { ...account, purpose: REAUTHENTICATE }, token, now);
  }

  /** `/?account={account}`: the account in the settings page. It grants nothing, so it is not signed. */
  settings(accountId: string): DeepLink {
    return this.#at(`?account=${accountId}`);
  }

  #at(path: string): DeepLink {
    return { webUrl: join(this.#publicUrl, path), appUrl: join(this.#appBase, path) };
  }
}

/** Their key is derived from the identity key, which lies sealed in the database. Throws CredentialError (CREDX). */
export const openDeepLinks = async (
  db: Queryable,
  keyring: Keyring,
  bases: Pick<Environment, "PUBLIC_URL" | "APP_DEEP_LINK_BASE">,
): Promise<DeepLinks> => new DeepLinks(linkKey(await identityKeyOf(db, keyring)), bases);

/** `budget://` becomes `budget://{path}`, `https://app.example` becomes `https://app.example/{path}`. */
const join = (base: string | undefined, path: string): string | null =>
  base === undefined ? null : `${base}${base.endsWith("://") ? "" : "/"}${path}`;
