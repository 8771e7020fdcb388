import { associate, decrypt, encrypt } from "./authenticated_encryption.ts";
import type { Sealed } from "./authenticated_encryption.ts";
import { CredentialError } from "./credential_error.ts";
import type { Keyring } from "./keyring.ts";

/**
 * A known text sealed by each key and kept in app_private.key_checks. Whoever starts with another key under the same
 * id learns it at once, not when a wallet's first sync fails, and never seals anything that the others cannot open.
 */

const CANARY = "tidemark";

/** What the database should remember of the current key. */
export const sealCanary = (keyring: Keyring): Sealed =>
  encrypt(keyring, canaryData(keyring.current.id), Buffer.from(CANARY));

/** Throws CredentialError when the keyring's key of that id is not the one that sealed the canary, or is missing. */
export const verifyCanary = (keyring: Keyring, canary: Sealed): void => {
  const { keyId } = canary;
  const found = keyring.find(keyId);
  try {
    decrypt(keyring, canaryData(keyId), canary);
  } catch (error) {
    if (!(error instanceof CredentialError) || found === undefined) throw error;
    throw new CredentialError(
      `wrong encryption key: the key "${keyId}" of TIDEMARK_ENCRYPTION_KEYS is not the one this database was sealed with`,
      keyId,
      { cause: error },
    );
  }
};

/**
 * Verifies all that the database remembers, before a process starts. Answers the canary to store when the current key
 * is new here, null when it is known. Throws CredentialError for a key that differs.
 *
 * A remembered key that the keyring no longer has is no error: that is how a rotation ends. Whether something sealed
 * by it is left is the database's to say (missingKeys).
 */
export const checkKeyring = (keyring: Keyring, remembered: readonly Sealed[]): Sealed | null => {
  for (const canary of remembered) if (keyring.find(canary.keyId) !== undefined) verifyCanary(keyring, canary);
  return remembered.some(({ keyId }) => keyId === keyring.current.id) ? null : sealCanary(keyring);
};

const canaryData = (keyId: string): Buffer => associate("tidemark key check", keyId);
