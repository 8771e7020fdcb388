/** The migrated, empty database that every test database is copied from. */

import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import { Client } from "pg";
import { z } from "zod";
import { migrate } from "../migrate.ts";

const dbFolder = join(import.meta.dirname, "..");

/** Migrates and owns every test database, and is no superuser: a migration that needs one fails every test. */
export const migrator = "tidemark_migrator";

/** Nothing is guarded by it: it works on a throw-away server on 127.0.0.1 only. */
const migratorPassword = "tidemark_migrator";

/** The same server and login, another database. */
export function databaseUrl(serverUrl: string, database: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${database}`;
  return url.href;
}

/** The same server, as the migrator. */
export function asMigratorUrl(serverUrl: string, database: string): string {
  const url = new URL(databaseUrl(serverUrl, database));
  url.username = migrator;
  url.password = migratorPassword;
  return url.href;
}

/**
 * Answers the template's name and builds it if this server lacks it. The name holds a hash of everything under db that
 * could shape it, so it is rebuilt exactly when that changes. Test files run in parallel processes: one builds, the
 * others wait for it.
 *
 * @param serverUrl a superuser's
 */
export async function ensureTemplate(serverUrl: string): Promise<string> {
  const template = `tidemark_template_${await contentHash()}`;
  const client = new Client({ connectionString: serverUrl, application_name: "tidemark template" });
  await client.connect();
  try {
    if (await isComplete(client, template)) return template;
    await client.query("select pg_advisory_lock(hashtext('tidemark template'))");
    if (await isComplete(client, template)) return template;
    await client.query(`drop database if exists ${template} with (force)`);
    await makeMigrator(client);
    await client.query(`create database ${template} owner ${migrator} template template0`);
    await migrate({ databaseUrl: asMigratorUrl(serverUrl, template) });
    // Only a complete template carries this mark, so one whose building was interrupted is built again.
    await client.query(`alter database ${template} is_template true`);
    return template;
  } finally {
    await client.end();
  }
}

async function isComplete(client: Client, template: string): Promise<boolean> {
  const { rowCount } = await client.query("select from pg_database where datname = $1 and datistemplate", [template]);
  return rowCount === 1;
}

async function makeMigrator(client: Client): Promise<void> {
  const { rowCount } = await client.query("select from pg_roles where rolname = $1", [migrator]);
  if (rowCount === 0) {
    await client.query(
      `create role ${migrator} login nosuperuser createdb createrole password ${client.escapeLiteral(migratorPassword)}`,
    );
  }
}

const dependencies = z.object({ dependencies: z.record(z.string(), z.string()) });

/** Of the SQL and the code that applies it, and of the packages that bring SQL of their own. */
async function contentHash(): Promise<string> {
  const hash = createHash("sha256");
  const names = (await readdir(dbFolder, { recursive: true })).filter(
    // schema.sql is made from the result, and queries only use it.
    (name) => /\.(?:sql|ts)$/.test(name) && !/^schema\.sql$|^queries|^testing|\.test\.ts$/.test(name),
  );
  for (const name of names.toSorted()) {
    hash.update(`${name}\n`).update(await readFile(join(dbFolder, name)));
  }
  const manifest: unknown = JSON.parse(await readFile(join(dbFolder, "..", "package.json"), "utf8"));
  const versions = dependencies.parse(manifest).dependencies;
  hash.update(`${versions["graphile-worker"]} ${versions["node-pg-migrate"]}`);
  return hash.digest("hex").slice(0, 12);
}
