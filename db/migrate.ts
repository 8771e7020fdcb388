import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { runMigrations } from "graphile-worker";
import { runner } from "node-pg-migrate";
import { Client } from "pg";
import { applyBehaviour } from "./behaviour.ts";
import { pgPool } from "./pool.ts";

const directory = import.meta.dirname;

/** The migrations that this code was written for, oldest first: `0001_platforms`, … */
export async function knownMigrations(): Promise<string[]> {
  const files = await readdir(join(directory, "migrations"));
  return files
    .filter((file) => file.endsWith(".sql"))
    .map((file) => file.slice(0, -".sql".length))
    .toSorted();
}

/**
 * Brings a database to the state this code expects; safe to run again, and by several processes at once.
 *
 * 1. Roles and schemas, as the login itself (it needs CREATEROLE and CREATE on the database, no superuser).
 * 2. Tables, by numbered migrations, as app_owner, each once.
 * 3. graphile-worker's schema, as app_worker, who must own it: its private tables have RLS without policies.
 * 4. Behaviour (functions, policies, views), as app_owner, re-applied whole in one transaction.
 *
 * @param options.databaseUrl a login that may create roles; on a managed Postgres its first user
 * @param options.log receives one line a step
 * @throws whatever Postgres refuses, as it is: a half-known schema must not be served
 */
export async function migrate(options: { databaseUrl: string; log?: (line: string) => void }): Promise<void> {
  const log = options.log ?? (() => {});
  const client = new Client({ connectionString: options.databaseUrl, application_name: "tidemark migrate" });
  await client.connect();
  try {
    // Roles belong to the whole cluster, where an advisory lock of one database does not reach; roles.sql bears that.
    await client.query("select pg_advisory_lock(hashtext('tidemark migrate'))");
    await client.query(await readFile(join(directory, "roles.sql"), "utf8"));

    await client.query("set role app_owner");
    await client.query("alter default privileges revoke execute on functions from public");
    const applied = await runner({
      dbClient: client,
      dir: join(directory, "migrations"),
      direction: "up",
      migrationsSchema: "app_private",
      migrationsTable: "migrations",
      noLock: true,
      checkOrder: true,
      log: () => {},
    });
    await client.query("alter table app_private.migrations enable row level security");
    log(
      applied.length === 0 ? "tables: up to date" : `tables: ${applied.map((migration) => migration.name).join(", ")}`,
    );
    await client.query("reset role");

    await migrateWorker(client, options.databaseUrl);
    log("graphile-worker: up to date");

    await client.query("set role app_owner");
    await applyBehaviour(client);
    log("functions, policies, views: applied");
  } finally {
    await client.end();
  }
}

/** app_worker may create in the database only while graphile-worker installs itself. */
async function migrateWorker(client: Client, databaseUrl: string): Promise<void> {
  const {
    rows: [row],
  } = await client.query<{ database: string; installed: boolean }>(
    "select current_database() as database, to_regclass('graphile_worker.migrations') is not null as installed",
  );
  if (row === undefined) throw new Error("Postgres answered no row to a select without from.");
  const database = client.escapeIdentifier(row.database);
  if (!row.installed) await client.query(`grant create on database ${database} to app_worker`);
  const pool = pgPool({ databaseUrl, role: "app_worker", max: 1, name: "tidemark migrate" });
  try {
    await runMigrations({ pgPool: pool });
  } finally {
    await pool.end();
    if (!row.installed) await client.query(`revoke create on database ${database} from app_worker`);
  }
}
