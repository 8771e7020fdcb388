/**
 * The text of TIDEMARK_ENCRYPTION_KEYS: `id:base64,id2:base64`, the current key first.
 *
 * It is parsed here, and not beside the sealing, so that a bad key is reported together with every other problem of
 * the environment (imports point from tasks to db, never back).
 */

export type EncryptionKey = {
  /** Stored beside everything the key sealed: 1 to 32 letters, digits, `.`, `_` or `-`. */
  id: string;
  /** 32 bytes, for AES-256. */
  key: Buffer;
};

/** The text cannot be used. `problems` tell which entry (by position) and why; no part of the text is ever repeated. */
export class EncryptionKeysError extends Error {
  override readonly name = "EncryptionKeysError";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("; "));
    this.problems = problems;
  }
}

const KEY_BYTES = 32;
const ID = /^[A-Za-z0-9._-]{1,32}$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Parses the keys, current one first. Throws EncryptionKeysError with all problems at once. */
export const parseEncryptionKeys = (text: string): EncryptionKey[] => {
  const problems: string[] = [];
  const keys: EncryptionKey[] = [];
  const positionOfId = new Map<string, number>();
  const positionOfKey = new Map<string, number>();

  for (const [index, entry] of text.split(",").entries()) {
    const position = index + 1;
    const parsed = parseEntry(entry.trim());
    if (typeof parsed === "string") {
      problems.push(`entry ${position} ${parsed}`);
      continue;
    }
    const sameId = positionOfId.get(parsed.id);
    if (sameId !== undefined) problems.push(`entries ${sameId} and ${position} have the same id`);
    const encoded = parsed.key.toString("base64");
    const sameKey = positionOfKey.get(encoded);
    // Rotating to the key one already has would look done and protect nothing.
    if (sameKey !== undefined) problems.push(`entries ${sameKey} and ${position} have the same key under two ids`);
    positionOfId.set(parsed.id, position);
    positionOfKey.set(encoded, position);
    keys.push(parsed);
  }

  if (problems.length > 0) throw new EncryptionKeysError(problems);
  return keys;
};

const parseEntry = (entry: string): EncryptionKey | string => {
  if (entry === "") return "is empty";
  const colon = entry.indexOf(":");
  if (colon === -1) return "has no colon between id and key";
  const id = entry.slice(0, colon);
  if (!ID.test(id)) return "has an id that is not 1 to 32 letters, digits, dots, dashes or underscores";
  const encoded = entry.slice(colon + 1);
  if (!BASE64.test(encoded)) return "has a key that is not base64";
  const key = Buffer.from(encoded, "base64");
  if (key.length !== KEY_BYTES) return `has a key of ${key.length} bytes where ${KEY_BYTES} are needed`;
  // Caught because it is what a placeholder looks like, not as a measure of randomness.
  if (key.every((byte) => byte === key[0])) return "has a key whose bytes are all the same";
  return { id, key };
};
