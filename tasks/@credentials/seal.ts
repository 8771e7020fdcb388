import { associate, decrypt, encrypt } from "./authenticated_encryption.ts";
import type { Sealed } from "./authenticated_encryption.ts";
import type { Keyring } from "./keyring.ts";

/** Whose credential it is and which: a sealed value moved to another account or kind no longer opens. */
export type CredentialOwner = {
  /** accounts.id, a UUID in either case. */
  accountId: string;
  /** The credential's column, so to say: `momo_api_key`, `momo_subscription_key`, … */
  kind: string;
};

/** Seals one credential with the current key. Two seals of the same text differ in every byte that could tell. */
export const seal = (keyring: Keyring, owner: CredentialOwner, plaintext: string): Sealed => {
  // Would come back as another text: UTF-8 has no lone surrogates.
  if (!plaintext.isWellFormed()) throw new TypeError("a credential must be well-formed Unicode");
  return encrypt(keyring, ownerData(owner), Buffer.from(plaintext));
};

/** Opens one credential. Throws CredentialError (CREDX), which tells the key's id and never content. */
export const open = (keyring: Keyring, owner: CredentialOwner, sealed: Sealed): string =>
  decrypt(keyring, ownerData(owner), sealed).toString();

const ownerData = ({ accountId, kind }: CredentialOwner): Buffer =>
  associate("tidemark credential", accountId.toLowerCase(), kind);
