import { spawn, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Client } from "pg";
import { z } from "zod";
import { migrate } from "../db/migrate.ts";
import { pgPool } from "../db/pool.ts";
import { listOf, valueOf } from "../db/testing/ask.ts";
import { canarySecret } from "../db/testing/canaries/catalogue.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../tasks/@linking/link_new_account.ts";
import { type EmbeddedPostgres, startPostgres } from "./postgres/embedded.ts";
import { startMonoSimulator, type MonoSimulator } from "./simulators/mono/simulator.ts";
import { OneWorker } from "./soak/one_worker.ts";
import { compareBank } from "./soak/oracle.ts";

/**
 * Backup truth: `pg_dump` of a system at work, restored on another server as its login that is no superuser, goes on there as if
 * nothing had been: what a worker held at that moment is taken back, what was synced after the dump is fetched again, and no
 * row is there twice. server/deploy/BACKUP.md has the commands, which are these.
 */

const root = join(import.meta.dirname, "..");
const ACCOUNTS = 6;
const DAY = 86_400_000;
const PATIENCE_MS = 240_000;

/**
 * pg_dump reads no server that is newer than itself, and from 17 on writes what servers before 17 refuse; the embedded Postgres
 * brings none, so it must be this machine's. Of Postgres there are 15 and 18.
 */
const dumps = Number(/\d+/.exec(spawnSync("pg_dump", ["--version"], { encoding: "utf8" }).stdout ?? "")?.[0] ?? 0);
const hasRestore = spawnSync("pg_restore", ["--version"]).status === 0;
const version = dumps >= 18 ? 18 : 15;
const withPgDump = hasRestore && (dumps === 15 || dumps === 16 || dumps >= 18) ? test : test.skip;

type Server = { postgres: EmbeddedPostgres; url: string };

/** A server with one database and a login that may create roles, as a managed Postgres gives it. */
async function startServer(t: ExecutionContext): Promise<Server> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-backup-"));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  await chmod(folder, 0o755);
  const postgres = await startPostgres({
    version,
    dataDir: join(folder, "postgres"),
    settings: { fsync: "off", max_connections: "60" },
  });
  t.teardown(() => postgres.stop());
  const superuser = new Client({ connectionString: postgres.url });
  await superuser.connect();
  await superuser.query("create role tidemark login nosuperuser createrole password 'tidemark'");
  await superuser.query("create database app owner tidemark");
  await superuser.end();
  return { postgres, url: `postgres://tidemark:tidemark@127.0.0.1:${postgres.port}/app` };
}

async function connect(t: ExecutionContext, url: string): Promise<Client> {
  const client = new Client({ connectionString: url, options: "-c role=app_owner" });
  // The server is stopped under it.
  client.on("error", () => {});
  await client.connect();
  t.teardown(() => client.end().catch(() => {}));
  return client;
}

/** A program of Postgres; throws with its words when it fails. */
async function run(program: string, args: string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ["ignore", "ignore", "pipe"] });
  let words = "";
  child.stderr.on("data", (chunk: Buffer) => (words += chunk.toString()));
  const [code] = z.tuple([z.number().nullable(), z.unknown()]).parse(await once(child, "close"));
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${words}`);
}

async function until(db: Client, condition: string, values: unknown[] = []): Promise<void> {
  const giveUpAt = performance.now() + PATIENCE_MS;
  while ((await valueOf(db, `select (${condition})::boolean`, values)) !== true) {
    if (performance.now() > giveUpAt) throw new Error(`waited in vain for: ${condition}`);
    await db.query("select pg_sleep(0.1)");
  }
}

/** Rows that happened `days` ago; at the simulator nothing happens by itself. */
function post(mono: MonoSimulator, monoId: string, days: number, amount: number): void {
  const date = new Date(mono.state().now - days * DAY).toISOString();
  mono.addTransaction(monoId, { amount, date, narration: `${amount} kobo` });
}

withPgDump("a dump of a live system, restored elsewhere, goes on with nothing lost and nothing doubled", async (t) => {
  t.timeout(900_000);
  const here = await startServer(t);
  const there = await startServer(t);
  await migrate({ databaseUrl: here.url });
  const mono = await startMonoSimulator({ seed: t.title });
  t.teardown(() => mono.close());
  const environment = {
    TIDEMARK_ENCRYPTION_KEYS: `test:${canarySecret("base64")}`,
    MONO_BASE_URL: mono.url,
    MONO_SECRET_KEY: mono.secretKey,
  };
  const startWorker = async (url: string): Promise<OneWorker> => {
    const args = ["--platform", "mono", "--deadline-ms", "60000"];
    const worker = new OneWorker({ args, environment: { ...environment, DATABASE_URL: url } });
    t.teardown(() => worker.kill());
    await worker.says("worker started");
    return worker;
  };

  const owner = await connect(t, here.url);
  const linker = pgPool({ databaseUrl: here.url, role: "app_worker", max: 2, name: "test" });
  const accounts: { accountId: string; monoId: string }[] = [];
  for (let n = 0; n < ACCOUNTS; n += 1) {
    const monoId = mono.createAccount({ historyDays: 60, perWeek: 0 });
    for (let days = 2; days < 20; days += 1) post(mono, monoId, days, 100 * days + n);
    const { accountId } = await linkNewAccount(linker, parseKeyring(environment.TIDEMARK_ENCRYPTION_KEYS), {
      userId: randomUUID(),
      platform: "mono",
      accountName: "Everyday",
      currency: "NGN",
      externalId: monoId,
      historyDays: 30,
    });
    accounts.push({ accountId, monoId });
  }
  await linker.end();
  const worker = await startWorker(here.url);
  await until(owner, "not exists (select from app_public.accounts where last_synced_at is null)");

  // A day later all are due. One run is under way when the dump is made: Mono leaves its request without an answer.
  const [held] = accounts;
  if (held === undefined) throw new Error("there are accounts");
  mono.addFault({ kind: "hang", match: { path: held.monoId }, times: 100 });
  const moveTo = async (db: Client, days: number): Promise<void> => {
    mono.moveClock({ offsetMs: days * DAY });
    await db.query("select app_private.set_clock(now() + $1 * interval '1 day')", [days]);
  };
  await moveTo(owner, 4);
  for (const { monoId } of accounts) post(mono, monoId, 2, 7_700);
  await owner.query("select app_private.dispatch_soon('mono')");
  await until(owner, "exists (select from app_private.sync_states where account_id = $1 and held_by is not null)", [
    held.accountId,
  ]);
  const dump = join(await mkdtemp(join(tmpdir(), "tidemark-dump-")), "tidemark.dump");
  t.teardown(() => rm(join(dump, ".."), { recursive: true, force: true }));
  await run("pg_dump", ["--format=custom", `--file=${dump}`, `--dbname=${here.url}`]);

  // Life goes on after it, and is lost with the server.
  await until(
    owner,
    "not exists (select from app_public.sync_logs where status = 'in_progress' and account_id <> $1)",
    [held.accountId],
  );
  await moveTo(owner, 8);
  for (const { monoId } of accounts) post(mono, monoId, 1, 9_900);
  await owner.query("select app_private.dispatch_soon('mono')");
  await until(owner, "(select count(distinct account_id) from app_public.transactions where amount = 99) >= $1", [
    ACCOUNTS - 1,
  ]);
  await worker.kill();
  await here.postgres.stop();

  // Elsewhere: the roles, the dump, the migration that every start may run, a worker.
  const roles = ["--dbname", there.url, "--quiet", "--set=ON_ERROR_STOP=1"];
  await run("psql", [...roles, "--file", join(root, "db/roles.sql")]);
  await run("pg_restore", [
    "--clean",
    "--if-exists",
    "--exit-on-error",
    "--single-transaction",
    `--dbname=${there.url}`,
    dump,
  ]);
  await migrate({ databaseUrl: there.url });
  const restored = await connect(t, there.url);
  t.deepEqual(
    await listOf(
      restored,
      "select account_id from app_private.sync_states where held_by is not null and account_id = $1",
      [held.accountId],
    ),
    [held.accountId],
    "as the dump found it",
  );
  t.is(await valueOf(restored, "select count(*)::int from app_public.transactions where amount = 99"), 0);
  mono.clearFaults();
  await startWorker(there.url);
  await moveTo(restored, 9);
  // What was under way: held runs are taken back, those that waited for Mono are resumed.
  await until(restored, "not exists (select from app_public.sync_logs where status = 'in_progress')");
  await moveTo(restored, 13);
  const moved = await valueOf(restored, "select app_private.clock()");
  await restored.query("select app_private.dispatch_soon('mono')");
  await until(restored, "not exists (select from app_public.accounts where last_synced_at < $1)", [moved]);

  for (const { accountId, monoId } of accounts) {
    const truth = mono.truth(monoId);
    t.is(truth.transactions.length, 20);
    const since = new Date(Date.now() - 28 * DAY).toISOString().slice(0, 10);
    t.deepEqual(await compareBank(restored, accountId, truth, since), { missing: [], duplicated: [], different: [] });
  }
  t.deepEqual(
    await listOf(restored, "select distinct failure_kind from app_public.sync_logs where failure_kind is not null"),
    ["interrupted"],
    "what was held is all that did not succeed",
  );
  t.is(await valueOf(restored, "select count(*)::int from app_public.accounts where sync_status <> 'active'"), 0);
});
