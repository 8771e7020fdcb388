import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { EncryptionKeysError, parseEncryptionKeys } from "../db/encryption_keys.ts";
import { UsageError } from "./usage.ts";

/*
 * The encryption keys of the embedded database, for whoever has configured none. They lie beside the data that they
 * protect, which is no protection: fine for a demo, and the reason why a database of the user's own never gets any.
 */

const fileIn = (data: string): string => join(data, "encryption.keys");

/**
 * The keys of the embedded database, in the form of TIDEMARK_ENCRYPTION_KEYS; made on first use and kept.
 *
 * Throws UsageError when the file holds no keys: new ones would not open what is sealed already.
 *
 * @param data the folder TIDEMARK_DATA
 */
export async function readOrCreateDemoKeys(data: string): Promise<string> {
  // A link appears whole or not at all, and never replaces: of two that begin at once, both read the first one's keys.
  const draft = `${fileIn(data)}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, `demo:${randomBytes(32).toString("base64")}\n`, { mode: 0o600 });
  try {
    await link(draft, fileIn(data));
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await rm(draft);
  }
  const keys = await readDemoKeys(data);
  if (keys === null) throw new UsageError(`${fileIn(data)} was deleted while it was needed; try again.`);
  return keys;
}

/** The same without making any: null when there is no such file. */
export async function readDemoKeys(data: string): Promise<string | null> {
  let text: string;
  try {
    text = (await readFile(fileIn(data), "utf8")).trim();
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  try {
    parseEncryptionKeys(text);
  } catch (error) {
    if (!(error instanceof EncryptionKeysError)) throw error;
    throw new UsageError(
      `${fileIn(data)} holds no encryption keys (${error.message}). Restore it, or delete all of ${data} to begin anew.`,
      { cause: error },
    );
  }
  return text;
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
