import { parseEncryptionKeys } from "../../db/encryption_keys.ts";
import type { EncryptionKey } from "../../db/encryption_keys.ts";

/** The keys this process holds: the first seals, all of them open. */
export type Keyring = {
  current: EncryptionKey;
  ids: readonly string[];
  /** The key of that id, or undefined where the keyring has none. */
  find(keyId: string): EncryptionKey | undefined;
};

/**
 * Makes the keyring out of TIDEMARK_ENCRYPTION_KEYS (`id:base64 of 32 bytes`, comma-separated, the current key first).
 * Throws EncryptionKeysError, which tells every bad entry by its position and never repeats it.
 */
export const parseKeyring = (text: string): Keyring => {
  const keys = parseEncryptionKeys(text);
  const [current] = keys;
  if (current === undefined) throw new TypeError("parseEncryptionKeys answers at least one key or throws");
  const byId = new Map(keys.map((key) => [key.id, key]));
  return { current, ids: [...byId.keys()], find: (keyId) => byId.get(keyId) };
};
