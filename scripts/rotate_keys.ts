/**
 * `npm run rotate-keys`: brings every sealed credential, and the identity key, under the current key, the first of TIDEMARK_ENCRYPTION_KEYS.
 *
 * Workers may go on meanwhile, once all of them know the new key. It may be stopped (Ctrl-C finishes the batch at hand)
 * and run again: what is left to do is what is still under another key. It ends with 0 only when nothing is left.
 */

import { z } from "zod";
import { EncryptionKeysError } from "../db/encryption_keys.ts";
import { EnvironmentError, loadEnvironment } from "../db/environment.ts";
import { pgPool } from "../db/pool.ts";
import { CredentialError } from "../tasks/@credentials/credential_error.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { proveKeyring } from "../tasks/@credentials/prove_keyring.ts";
import { rotateCredentials } from "../tasks/@credentials/rotate.ts";
import { rotateIdentityKey } from "../tasks/@linking/identity_key.ts";
import { progressLine, summaryOf } from "./rotation_report.ts";

const requirements = z.object({
  DATABASE_URL: z.string({ error: "DATABASE_URL is not set: which database's credentials?" }),
  TIDEMARK_ENCRYPTION_KEYS: z.string({
    error: "TIDEMARK_ENCRYPTION_KEYS is not set: it takes the new key first and the old one after it.",
  }),
});

async function main(): Promise<void> {
  const required = requirements.safeParse(loadEnvironment());
  if (!required.success) {
    giveUp(required.error.issues.map(({ message }) => message).join("\n"));
    return;
  }
  const keyring = parseKeyring(required.data.TIDEMARK_ENCRYPTION_KEYS);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

  const db = pgPool({
    databaseUrl: required.data.DATABASE_URL,
    role: "app_worker",
    max: 1,
    name: "tidemark rotate-keys",
  });
  try {
    await proveKeyring(db, keyring);
    await rotateIdentityKey(db, keyring);
    const isTerminal = process.stdout.isTTY;
    const rotation = await rotateCredentials({
      db,
      keyring,
      signal: stop.signal,
      // A terminal shows one line that changes; a file gets one line a batch.
      onProgress: (soFar) => process.stdout.write(isTerminal ? `\r${progressLine(soFar)}` : `${progressLine(soFar)}\n`),
    });
    if (isTerminal) process.stdout.write("\r\u001b[K");
    console.log(summaryOf(rotation, { keyId: keyring.current.id, interrupted: stop.signal.aborted }));
    if (!rotation.complete || rotation.unopenable.length > 0) process.exitCode = 1;
  } finally {
    await db.end();
  }
}

function giveUp(words: string): void {
  console.error(words);
  process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const isForOperators =
    error instanceof EnvironmentError || error instanceof EncryptionKeysError || error instanceof CredentialError;
  if (!isForOperators) throw error;
  giveUp(error.message);
}
