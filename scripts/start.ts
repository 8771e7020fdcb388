/**
 * `npm start`: everything in one process, for a first look and for a small installation.
 *
 * With nothing configured it brings its own Postgres, simulators of both providers, and two demo users. With
 * DATABASE_URL it uses that database, and then no simulator ever runs: simulated money has no business there. A
 * platform with keys in the environment talks to its real provider.
 */

import { createHash, randomBytes } from "node:crypto";
import { appendFile, mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { pino } from "pino";
import { Client } from "pg";
import { type Environment, loadEnvironment } from "../db/environment.ts";
import { createLog } from "../db/log.ts";
import { migrate } from "../db/migrate.ts";
import { dispatchSoon } from "../db/queries/dispatch.ts";
import { platformSource } from "../db/queries/runs.ts";
import { startServer } from "../server/start_server.ts";
import { createRuntime } from "../tasks/@worker/runtime.ts";
import { keepRunning } from "../tasks/@worker/keep_running.ts";
import { takesNoArguments } from "./arguments.ts";
import { readConnection, removeConnection, writeConnection } from "./connection.ts";
import { readOrCreateDemoKeys, readOrCreateDemoVapidKeys } from "./demo_keys.ts";
import { linkDemoAccounts } from "./demo/link_accounts.ts";
import { demoUsers } from "./demo/people.ts";
import { giveDemoDevices } from "./demo/push_devices.ts";
import { demoSigningSecret } from "./demo/signing_secret.ts";
import { type DemoSimulators, startDemoSimulators } from "./demo/simulators.ts";
import { DataFolderInUseError } from "./postgres/data_folder.ts";
import { type EmbeddedPostgres, startPostgres } from "./postgres/embedded.ts";
import { runLine, welcome } from "./start_screen.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm start: everything in one process, with simulated providers where there are no keys.
It takes no arguments. PORT (4100) is the server's, TIDEMARK_DATA (.tidemark) where its data is kept; with DATABASE_URL it
uses your Postgres. .env.example has the other variables.`;

/** Jobs at once, for each platform. */
const CONCURRENCY = 4;

/** What was opened, to be closed in reverse order however the start ends. */
const opened: { what: string; close: () => Promise<void> }[] = [];

async function main(): Promise<void> {
  takesNoArguments(HELP);
  const given = loadEnvironment();
  const data = resolve(given.TIDEMARK_DATA);
  await mkdir(data, { recursive: true });

  const ownDatabase = given.DATABASE_URL === undefined;
  if (!ownDatabase && given.TIDEMARK_ENCRYPTION_KEYS === undefined) {
    throw new UsageError(
      "TIDEMARK_ENCRYPTION_KEYS is not set. Credentials in your own database are sealed with your own key: " +
        `TIDEMARK_ENCRYPTION_KEYS=first:${randomBytes(32).toString("base64")} would be a fresh one. Keep it safe.`,
    );
  }
  // The first time it takes a while, and npm's line would stand alone.
  console.error(`${ownDatabase ? "Starting Postgres and preparing" : "Preparing"} the database …`);
  const databaseUrl = given.DATABASE_URL ?? (await openOwnDatabase(data));
  await migrate({ databaseUrl });

  const simulators = ownDatabase ? await openSimulators(given, data) : undefined;
  const serviceToken =
    ownDatabase && given.TIDEMARK_SERVICE_TOKENS === undefined ? randomBytes(32).toString("hex") : undefined;
  const environment: Environment & { DATABASE_URL: string } = {
    ...given,
    ...simulators?.environment,
    ...(ownDatabase && given.VAPID_PUBLIC_KEY === undefined ? await demoVapid(data) : {}),
    ...(serviceToken === undefined ? {} : { TIDEMARK_SERVICE_TOKENS: `demo:sha256:${sha256(serviceToken)}` }),
    DATABASE_URL: databaseUrl,
    TIDEMARK_ENCRYPTION_KEYS: given.TIDEMARK_ENCRYPTION_KEYS ?? (await readOrCreateDemoKeys(data)),
    ...(ownDatabase ? { PUBLIC_URL: given.PUBLIC_URL ?? `http://localhost:${given.PORT}` } : {}),
  };

  const logFile = join(data, "tidemark.log");
  const log = createLog({
    level: environment.LOG_LEVEL,
    process: "start",
    destination: pino.destination({ dest: logFile, sync: true }),
  });
  const nameOf = accountNames(databaseUrl);
  const runtime = await createRuntime({
    environment,
    log,
    concurrency: CONCURRENCY * platformSource.options.length,
    onRun: (report) => void nameOf(report.accountId).then((name) => console.log(runLine(report, name))),
  });
  opened.push({ what: "connections", close: () => runtime.close() });

  const server = await startServer({
    environment,
    log,
    host: "127.0.0.1",
    metrics: runtime.metrics,
    // Whoever reaches a database of ours may be anybody in it; nobody may in a database of the user's.
    ...(ownDatabase ? { demo: { users: demoUsers, secret: await demoSigningSecret(data) } } : {}),
  });
  opened.push({ what: "server", close: () => server.close() });
  if (simulators !== undefined) {
    simulators.callServer(server.url);
    if (environment.VAPID_PUBLIC_KEY !== undefined) {
      await giveDemoDevices({ databaseUrl, simulators, vapidPublicKey: environment.VAPID_PUBLIC_KEY });
    }
    await linkDemoAccounts({ databaseUrl, runtime, simulators, serverUrl: server.url });
  }
  const connection = {
    databaseUrl,
    serverUrl: server.url,
    monoUrl: environment.MONO_BASE_URL,
    momoUrl: environment.MOMO_BASE_URL,
    ...(serviceToken === undefined ? {} : { serviceToken }),
  };
  await writeConnection(data, connection);
  opened.push({ what: "connection.json", close: () => removeConnection(data) });

  // From the screen on, which says so, Ctrl-C is an orderly end.
  const stopped = new Promise<void>((stop) => {
    process.once("SIGINT", () => stop()).once("SIGTERM", () => stop());
  });
  console.log(
    welcome({
      connection,
      logFile,
      ownDatabase,
      platforms: platformSource.options.map((platform) => ({
        platform,
        state: simulators?.platforms.has(platform) ? "simulated" : runtime.platforms.has(platform) ? "real" : "off",
      })),
      simulated: {
        statement: simulators?.momo?.statementUrl ?? null,
        oneSignal: simulators?.oneSignal?.url ?? null,
        pushService: simulators?.pushService.url ?? null,
      },
    }),
  );

  const stopping = new AbortController();
  const working = keepRunning({
    runtime,
    platforms: [...runtime.platforms.keys()],
    concurrency: CONCURRENCY,
    stopping: stopping.signal,
  });
  opened.push({
    what: "worker",
    close: () => {
      stopping.abort();
      return working;
    },
  });
  // What fell due while we were away should not wait for the next full minute.
  await dispatchSoon(runtime.db);

  await Promise.race([stopped, working]);
  console.log(`\nStopping; data stays in ${ownDatabase ? data : "your database"}`);
}

/** Apple's push service wants to know whom to ask, and takes no address of a machine that nobody can reach. */
async function demoVapid(data: string): Promise<Partial<Environment>> {
  const { publicKey, privateKey } = await readOrCreateDemoVapidKeys(data);
  return { VAPID_PUBLIC_KEY: publicKey, VAPID_PRIVATE_KEY: privateKey, VAPID_SUBJECT: "mailto:demo@example.com" };
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The embedded Postgres, with a login that is no superuser: what works here works on a managed Postgres too. */
async function openOwnDatabase(data: string): Promise<string> {
  const postgres = await startOwnPostgres(data);
  opened.push({ what: "Postgres", close: () => postgres.stop() });
  const password = randomBytes(18).toString("base64url");
  const superuser = new Client({ connectionString: postgres.url });
  await superuser.connect();
  try {
    const { rowCount: roles } = await superuser.query("select from pg_roles where rolname = 'tidemark'");
    if (roles === 0) await superuser.query("create role tidemark login createrole");
    // A new one each time: connection.json has it for as long as this process runs.
    await superuser.query(`alter role tidemark password ${superuser.escapeLiteral(password)}`);
    const { rowCount: databases } = await superuser.query("select from pg_database where datname = 'tidemark'");
    if (databases === 0) await superuser.query("create database tidemark owner tidemark");
  } finally {
    await superuser.end();
  }
  const url = new URL(postgres.url);
  url.username = "tidemark";
  url.password = password;
  url.pathname = "/tidemark";
  return url.href;
}

/** Throws UsageError where another `npm start` has these data. */
async function startOwnPostgres(data: string): Promise<EmbeddedPostgres> {
  try {
    return await startPostgres({
      version: 18,
      dataDir: join(data, "postgres"),
      onLog: (line) => void appendFile(join(data, "postgres.log"), `${line}\n`),
    });
  } catch (error) {
    if (!(error instanceof DataFolderInUseError)) throw error;
    const there = await readConnection(data);
    throw new UsageError(
      `Tidemark runs here already${there === null ? "" : `, at ${there.serverUrl}`}: ` +
        "stop it with Ctrl-C in its terminal, or set PORT and TIDEMARK_DATA for a second one.",
      { cause: error },
    );
  }
}

async function openSimulators(environment: Environment, data: string): Promise<DemoSimulators> {
  const simulators = await startDemoSimulators({ environment, data });
  opened.push({ what: "simulators", close: () => simulators.close() });
  return simulators;
}

/** Asks for an account's name: those of an unknown one are read again, because accounts are linked while this runs. */
function accountNames(databaseUrl: string): (id: string) => Promise<string> {
  let known = new Map<string, string>();
  return async (id) => {
    try {
      if (!known.has(id)) known = await readAccountNames(databaseUrl);
    } catch {
      // A line about a run that ended is worth more than its name: the database may be stopping as well.
    }
    return known.get(id) ?? "an account";
  };
}

async function readAccountNames(databaseUrl: string): Promise<Map<string, string>> {
  const client = new Client({ connectionString: databaseUrl });
  // A connection that is cut fails its query as well, which is enough.
  client.on("error", () => {});
  await client.connect();
  try {
    const { rows } = await client.query<{ id: string; name: string }>(
      "select id, concat_ws(' · ', institution, account_name) as name from app_public.accounts",
    );
    return new Map(rows.map(({ id, name }) => [id, name]));
  } finally {
    await client.end();
  }
}

async function closeAll(): Promise<void> {
  for (const { what, close } of opened.toReversed()) {
    await close().catch((error: unknown) => console.error(`${what} did not stop cleanly:`, error));
  }
}

try {
  await main();
} catch (error) {
  exitWithSentence(error);
} finally {
  await closeAll();
}
