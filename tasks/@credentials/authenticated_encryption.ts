import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { CredentialError } from "./credential_error.ts";
import type { Keyring } from "./keyring.ts";

/** Bytes sealed by one key of the keyring, as they are stored. */
export type Sealed = {
  keyId: string;
  /** Format (1 byte), nonce (12), tag (16), then the ciphertext, as long as the plaintext. */
  sealed: Buffer;
};

const ALGORITHM = "aes-256-gcm";
const FORMAT = Buffer.from([1]);
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = FORMAT.length + NONCE_BYTES + TAG_BYTES;

/**
 * Seals with the current key. The nonce is random: NIST SP 800-38D allows 2^32 of them under one key, which a million
 * accounts with five secrets, each replaced weekly, would reach in sixteen years.
 */
export const encrypt = (keyring: Keyring, associatedData: Buffer, plaintext: Buffer): Sealed => {
  const { id, key } = keyring.current;
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(withFormat(associatedData));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return { keyId: id, sealed: Buffer.concat([FORMAT, nonce, cipher.getAuthTag(), ciphertext]) };
};

/** Opens with the key that sealed. Throws CredentialError when that key is unknown or anything at all differs. */
export const decrypt = (keyring: Keyring, associatedData: Buffer, { keyId, sealed }: Sealed): Buffer => {
  const found = keyring.find(keyId);
  if (found === undefined) {
    throw new CredentialError(`no key with the id "${keyId}" is in TIDEMARK_ENCRYPTION_KEYS`, keyId);
  }
  if (sealed.length < HEADER_BYTES || !sealed.subarray(0, FORMAT.length).equals(FORMAT)) {
    throw new CredentialError(`what key "${keyId}" sealed is not in a format that this version reads`, keyId);
  }
  const nonce = sealed.subarray(FORMAT.length, FORMAT.length + NONCE_BYTES);
  const tag = sealed.subarray(FORMAT.length + NONCE_BYTES, HEADER_BYTES);
  const decipher = createDecipheriv(ALGORITHM, found.key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(withFormat(associatedData));
  decipher.setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(sealed.subarray(HEADER_BYTES)), decipher.final()]);
  } catch (error) {
    throw new CredentialError(
      `key "${keyId}" does not open this: it was sealed with other bytes under that id, for another owner, or was changed`,
      keyId,
      { cause: error },
    );
  }
};

const withFormat = (associatedData: Buffer): Buffer => Buffer.concat([FORMAT, associatedData]);

/** Unambiguous whatever the parts contain, unlike joining them with a separator. */
export const associate = (...parts: string[]): Buffer => Buffer.from(JSON.stringify(parts));
