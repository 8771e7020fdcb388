/**
 * `npm run rotate-keys`: brings every sealed credential, and the identity key, under the current key, the first of TIDEMARK_ENCRYPTION_KEYS.
 *
 * Workers may go on meanwhile, once all of them know the new key. It may be stopped (Ctrl-C finishes the batch at hand)
 * and run again: what is left to do is what is still under another key. It ends with 0 only when nothing is left, with 1
 * when something is, with 2 when it could not begin.
 */

import { loadEnvironment } from "../db/environment.ts";
import { pgPool } from "../db/pool.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { proveKeyring } from "../tasks/@credentials/prove_keyring.ts";
import { rotateCredentials } from "../tasks/@credentials/rotate.ts";
import { rotateIdentityKey } from "../tasks/@linking/identity_key.ts";
import { takesNoArguments } from "./arguments.ts";
import { commandDatabase } from "./connection.ts";
import { progressLine, summaryOf } from "./rotation_report.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run rotate-keys: seals everything anew with the first key of TIDEMARK_ENCRYPTION_KEYS, which has the old one after it.
It takes no arguments. All workers and servers must know the new key first; it may be stopped and run again.`;

async function main(): Promise<void> {
  takesNoArguments(HELP);
  const environment = loadEnvironment();
  // Not the keys of the demo: whoever rotates them starts `npm start` with both first, as any other process.
  const { TIDEMARK_ENCRYPTION_KEYS: keys } = environment;
  if (keys === undefined) {
    throw new UsageError("TIDEMARK_ENCRYPTION_KEYS is not set: it takes the new key first and the old one after it.");
  }
  const { databaseUrl } = await commandDatabase(environment);
  const keyring = parseKeyring(keys);
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stop.abort());

  const db = pgPool({ databaseUrl, role: "app_worker", max: 1, name: "tidemark rotate-keys" });
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

main().catch(exitWithSentence);
