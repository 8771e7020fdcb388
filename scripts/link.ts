/** `npm run link`: links accounts from the command line. `npm run link -- --help` says how. */

import { readFile } from "node:fs/promises";
import type { Pool } from "pg";
import { type Environment, loadEnvironment } from "../db/environment.ts";
import { pgPool } from "../db/pool.ts";
import type { Queryable } from "../db/queryable.ts";
import { type Keyring, parseKeyring } from "../tasks/@credentials/keyring.ts";
import { proveKeyring } from "../tasks/@credentials/prove_keyring.ts";
import type { NewLink } from "../tasks/@linking/link_new_account.ts";
import { commandDatabase } from "./connection.ts";
import { readDemoKeys } from "./demo_keys.ts";
import { adoptLines, summaryOf } from "./linking/adopt.ts";
import { bankLinkOrRefuse, type MonoAccess, openMono } from "./linking/bank_link.ts";
import { type CsvLine, readCsv } from "./linking/csv.ts";
import { HELP, readArguments, type Request } from "./linking/command_line.ts";
import type { BankFields, WalletFields } from "./linking/fields.ts";
import { linkOrRefuse } from "./linking/link_account.ts";
import { statementKinds, walletSecrets } from "./linking/secrets.ts";
import { walletLinkOrRefuse } from "./linking/wallet_link.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

type Means = { db: Pool; keyring: Keyring; mono: MonoAccess | null; environment: Environment };

async function main(): Promise<void> {
  const request = readArguments(process.argv.slice(2));
  if (request.kind === "help") {
    console.log(HELP);
    return;
  }
  const given = loadEnvironment();
  const { databaseUrl, started } = await commandDatabase(given);
  const environment: Environment =
    started === null ? given : { ...given, MONO_BASE_URL: started.monoUrl, MOMO_BASE_URL: started.momoUrl };
  const keyring = await keyringOf(environment, started !== null);
  const lines = request.kind === "csv" ? readCsv(await readCsvFile(request.file)) : [];

  const db = pgPool({ databaseUrl, role: "app_worker", max: 2, name: "tidemark link" });
  const mono = openMonoOf(environment, { db, isWaitedFor: request.kind === "one" });
  const means: Means = { db, keyring, mono, environment };
  try {
    await proveKeyring(db, keyring);
    if (request.kind === "csv") await linkLines(lines, means);
    else await linkOne(request, means);
  } finally {
    await mono?.close();
    await db.end();
  }
}

async function linkOne(request: Extract<Request, { kind: "one" }>, means: Means): Promise<void> {
  const { fields, relink: resume } = request;
  const link =
    fields.platform === "mono"
      ? await linkOfBank(fields, request.code, means)
      : await linkOfWallet(fields, request, means);
  const { accountId, outcome } = await linkOrRefuse(means.db, means.keyring, { ...link, resume });
  const what = outcome === "linked" ? "Linked" : "Linked again";
  console.log(`${what}: account ${accountId}. Its sync is queued; the worker runs it.`);
}

async function linkOfBank(fields: BankFields, code: string | undefined, { mono }: Means): Promise<NewLink> {
  if (code === undefined) return bankLinkOrRefuse(fields, (await mono?.describe(fields.monoAccountId)) ?? null);
  if (mono === null)
    throw new UsageError("--code needs MONO_SECRET_KEY: it is Mono that knows which account it means.");
  const monoAccountId = await mono.exchange(code);
  // A code works once. Should anything fail from here on, this id is what to go on with.
  console.log(`Mono's id of the account: ${monoAccountId}`);
  return bankLinkOrRefuse({ ...fields, monoAccountId }, await mono.describe(monoAccountId));
}

async function linkOfWallet(
  fields: WalletFields,
  { statement, ownSubscriptionKey }: { statement: boolean; ownSubscriptionKey: boolean },
  { environment }: Means,
): Promise<NewLink> {
  const link = walletLinkOrRefuse(fields, walletDefaultsOf(environment));
  const kinds = [
    "momo_api_key" as const,
    ...(ownSubscriptionKey ? (["momo_subscription_key"] as const) : []),
    ...(statement ? statementKinds : []),
  ];
  const terminal = process.stdin.isTTY ? { input: process.stdin, output: process.stderr } : null;
  return { ...link, statement, credentials: await walletSecrets(kinds, environment, terminal) };
}

const walletDefaultsOf = ({ MOMO_BASE_URL: baseUrl, MOMO_TARGET_ENVIRONMENT: targetEnvironment }: Environment) => ({
  baseUrl,
  targetEnvironment,
});

async function linkLines(lines: CsvLine[], { environment, ...means }: Means): Promise<void> {
  const adoption = await adoptLines(lines, {
    ...means,
    defaults: walletDefaultsOf(environment),
    variables: process.env,
    tell: { linked: (line) => console.log(line), refused: (line) => console.error(line) },
  });
  console.log(summaryOf(adoption));
  if (adoption.refused > 0) process.exitCode = 1;
}

async function readCsvFile(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    throw new UsageError("The file of --csv cannot be read; is the path right?", { cause: error });
  }
}

async function keyringOf(environment: Environment, isStarted: boolean): Promise<Keyring> {
  const { TIDEMARK_ENCRYPTION_KEYS: given, TIDEMARK_DATA: data } = environment;
  const keys = given ?? (isStarted ? await readDemoKeys(data) : null);
  if (keys === null) {
    throw new UsageError("TIDEMARK_ENCRYPTION_KEYS is not set: the account's secrets could not be sealed.");
  }
  return parseKeyring(keys);
}

function openMonoOf(environment: Environment, how: { db: Queryable; isWaitedFor: boolean }): MonoAccess | null {
  const { MONO_BASE_URL: baseUrl, MONO_SECRET_KEY: secretKey } = environment;
  return secretKey === undefined ? null : openMono({ ...how, baseUrl, secretKey });
}

main().catch(exitWithSentence);
