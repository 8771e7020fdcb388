import { randomBytes } from "node:crypto";
import { link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import webPush from "web-push";
import { z } from "zod";
import { EncryptionKeysError, parseEncryptionKeys } from "../db/encryption_keys.ts";
import { areVapidKeysAPair } from "../db/vapid_keys.ts";
import { UsageError } from "./usage.ts";

/*
 * The keys of the embedded database, for whoever has configured none. They lie beside the data that they
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
  await keepFirst(fileIn(data), `demo:${randomBytes(32).toString("base64")}\n`);
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

export type VapidKeys = { publicKey: string; privateKey: string };

const vapidKeys = z
  .strictObject({ publicKey: z.string(), privateKey: z.string() })
  .refine(({ publicKey, privateKey }) => areVapidKeysAPair(publicKey, privateKey), "no pair of VAPID keys");

/**
 * The VAPID keys of the embedded database; made on first use and kept, because browsers subscribe with them. Throws
 * UsageError when the file holds none.
 *
 * @param data the folder TIDEMARK_DATA
 */
export async function readOrCreateDemoVapidKeys(data: string): Promise<VapidKeys> {
  const file = join(data, "vapid.keys");
  await keepFirst(file, `${JSON.stringify(webPush.generateVAPIDKeys())}\n`);
  try {
    return vapidKeys.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    if (!(cause instanceof SyntaxError) && !(cause instanceof z.ZodError)) throw cause;
    throw new UsageError(
      `${file} holds no VAPID keys. Restore it, or delete it: then no browser of before is reached.`,
      {
        cause,
      },
    );
  }
}

/**
 * Makes the file with this content, its owner's only, unless there is one. A link appears whole or not at all, and never
 * replaces: of two that begin at once, both read the first one's.
 */
async function keepFirst(file: string, content: string): Promise<void> {
  const draft = `${file}.${randomBytes(4).toString("hex")}`;
  await writeFile(draft, content, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if (!hasCode(error, "EEXIST")) throw error;
  } finally {
    await rm(draft);
  }
}

const hasCode = (error: unknown, code: string): boolean =>
  error instanceof Error && "code" in error && error.code === code;
