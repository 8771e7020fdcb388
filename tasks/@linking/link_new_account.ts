import { randomUUID } from "node:crypto";
import type { Queryable } from "../../db/queryable.ts";
import { linkAccount, type Link, matchLink } from "../../db/queries/links.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { seal } from "../@credentials/seal.ts";
import { type BankAccount, bankIdentity, externalIdHmac } from "./identity.ts";
import { identityKeyOf } from "./identity_key.ts";

/** An account to link, its credentials still open; they are sealed here, before they reach SQL. */
export type NewLink = Omit<Link, "accountId" | "credentials" | "identity" | "externalIdHmac"> & {
  /** The bank account behind the link, where the provider tells: by it an account that was linked before is recognised. */
  bankAccount?: BankAccount | undefined;
  /** By kind: `momo_api_key`, `momo_subscription_key`, `madapi_client_id`, … */
  credentials?: Record<string, string>;
  /** Takes up this account again, under the provider's new id, instead of matching or making one. */
  resume?: string | undefined;
};

export type Linked = { accountId: string; outcome: "linked" | "resumed" };

/**
 * Links an account, or takes up again the one that this link belongs to. The account's id must be known before its
 * credentials are sealed, since a sealed credential opens for its own account only.
 *
 * Raises LNKNV for a link that makes no sense, LNKDP for a provider id that belongs to another account, LNKGN for one that
 * was unlinked for good.
 */
export async function linkNewAccount(
  db: Queryable,
  keyring: Keyring,
  { credentials = {}, resume, bankAccount, ...link }: NewLink,
): Promise<Linked> {
  const identityKey = await identityKeyOf(db, keyring);
  const identity = bankAccount === undefined ? null : bankIdentity(identityKey, bankAccount);
  const accountId = resume ?? (await matchLink(db, { ...link, identity })) ?? randomUUID();
  const sealed = Object.entries(credentials).map(([kind, secret]) => {
    const { keyId, sealed: bytes } = seal(keyring, { accountId, kind }, secret);
    return { kind, keyId, sealed: bytes.toString("base64") };
  });
  const outcome = await linkAccount(db, {
    ...link,
    accountId,
    identity: identity?.toString("base64"),
    externalIdHmac: externalIdHmac(identityKey, link.platform, link.externalId).toString("base64"),
    credentials: sealed,
  });
  return { accountId, outcome };
}
