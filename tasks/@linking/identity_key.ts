import { randomBytes } from "node:crypto";
import { putIdentityKey, sealedIdentityKey, type SealedIdentityKey } from "../../db/queries/identity_keys.ts";
import type { Queryable } from "../../db/queryable.ts";
import { associate, decrypt, encrypt } from "../@credentials/authenticated_encryption.ts";
import type { Keyring } from "../@credentials/keyring.ts";

/*
 * The key by which bank accounts are recognised and ended links are remembered. It is none of the encryption keys,
 * because those change: it is made once, lies in the database sealed by them, and is sealed anew when they rotate.
 */

const KEY_BYTES = 32;
const owner = associate("tidemark identity key");

/** The identity key of this database; the first to ask makes it. Throws CredentialError (CREDX). */
export async function identityKeyOf(db: Queryable, keyring: Keyring): Promise<Buffer> {
  const stored = await sealedIdentityKey(db);
  if (stored !== undefined) return open(keyring, stored);
  const key = randomBytes(KEY_BYTES);
  if (await putIdentityKey(db, encrypt(keyring, owner, key), null)) return key;
  const first = await sealedIdentityKey(db);
  if (first === undefined) throw new Error("an identity key was neither stored nor there");
  return open(keyring, first);
}

/**
 * Seals the identity key with the current encryption key, when another one sealed it. Answers whether it did; that
 * somebody else did meanwhile is as good. Throws CredentialError (CREDX) when it cannot be opened.
 */
export async function rotateIdentityKey(db: Queryable, keyring: Keyring): Promise<boolean> {
  const stored = await sealedIdentityKey(db);
  if (stored === undefined || stored.keyId === keyring.current.id) return false;
  return putIdentityKey(db, encrypt(keyring, owner, open(keyring, stored)), stored);
}

const open = (keyring: Keyring, sealed: SealedIdentityKey): Buffer => decrypt(keyring, owner, sealed);
