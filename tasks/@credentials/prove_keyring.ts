import { listKeyChecks, missingKeys, putKeyCheck } from "../../db/queries/key_checks.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Sealed } from "./authenticated_encryption.ts";
import { checkKeyring } from "./canary.ts";
import { CredentialError } from "./credential_error.ts";
import type { Keyring } from "./keyring.ts";

/**
 * Proves, before a process opens or seals anything, that its keys are those of this database and all that it needs, and has
 * the database remember the current one if it is new. Throws CredentialError, in words for the operator, when a key differs
 * or is missing.
 */
export const proveKeyring = async (db: Queryable, keyring: Keyring): Promise<void> => {
  const canary = await examineKeyring(db, keyring);
  if (canary === null) return;
  await putKeyCheck(db, canary);
  // Another process may have been first with other bytes under the same new id, and then ours was not stored.
  checkKeyring(keyring, await listKeyChecks(db));
};

/** The same proof with nothing written: answers the canary that the database has yet to remember, or null. */
export const examineKeyring = async (db: Queryable, keyring: Keyring): Promise<Sealed | null> => {
  const canary = checkKeyring(keyring, await listKeyChecks(db));
  const [missing] = await missingKeys(db, keyring.ids);
  if (missing === undefined) return canary;
  const { keyId, sealedCount } = missing;
  throw new CredentialError(
    `wrong encryption key: TIDEMARK_ENCRYPTION_KEYS lacks the key "${keyId}", which sealed ` +
      `${sealedCount} ${sealedCount === 1 ? "secret" : "secrets"} of this database`,
    keyId,
  );
};
