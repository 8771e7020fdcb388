import { listKeyChecks, putKeyCheck } from "../../db/queries/key_checks.ts";
import type { Queryable } from "../../db/queryable.ts";
import { checkKeyring } from "./canary.ts";
import type { Keyring } from "./keyring.ts";

/**
 * Proves, before a process opens or seals anything, that its keys are those of this database, and has the database
 * remember the current one if it is new. Throws CredentialError, in words for the operator, when a key differs.
 */
export const proveKeyring = async (db: Queryable, keyring: Keyring): Promise<void> => {
  const canary = checkKeyring(keyring, await listKeyChecks(db));
  if (canary === null) return;
  await putKeyCheck(db, canary);
  // Another process may have been first with other bytes under the same new id, and then ours was not stored.
  checkKeyring(keyring, await listKeyChecks(db));
};
