import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "pg";
import { z } from "zod";

const SCHEMAS = ["app_public", "app_private", "app_admin"];

/** `create or replace` refuses to change what a function returns (42P13) or what columns a view has (42P16). */
const REPLACE_REFUSED = new Set(["42P13", "42P16"]);

/**
 * Applies functions, views, policies and comments whole, in one transaction: whoever looks sees the old behaviour or the new one.
 * The files are the truth: what a verb returns may gain a column, a signature may gain a parameter (its old form would
 * make calls ambiguous), and what has no file any more is dropped.
 *
 * @throws what Postgres refuses, and an Error naming what still depends on something that must go
 */
export async function applyBehaviour(client: Client): Promise<void> {
  await client.query("begin");
  try {
    await client.query("set local check_function_bodies = off");
    const before = await behaviourInPlace(client);
    for (const folder of ["functions", "views", "policies", "comments"]) {
      for (const file of await sqlFiles(folder)) await applyFile(client, file);
    }
    const after = await behaviourInPlace(client);
    for (const [identity, version] of before) {
      if (after.get(identity) === version) await client.query(`drop ${identity}`);
    }
    await client.query("commit");
  } catch (error) {
    await client.query("rollback");
    throw error;
  }
}

async function applyFile(client: Client, path: string): Promise<void> {
  const text = await readFile(path, "utf8");
  await client.query("savepoint file");
  try {
    await client.query(text);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && REPLACE_REFUSED.has(String(error.code)))) {
      throw new Error(`${path}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
    await client.query("rollback to savepoint file");
    await dropWhatItDefines(client, text);
    await client.query(text);
  }
  await client.query("release savepoint file");
}

/** Every form of the functions and views that a file defines. Without cascade: what depends on them is for a person. */
async function dropWhatItDefines(client: Client, text: string): Promise<void> {
  const names = new Set(
    [...text.matchAll(/^create or replace (?:function|view) ([a-z_]+\.[a-z_0-9]+)/gm)].map(([, name]) => name),
  );
  for (const identity of (await behaviourInPlace(client)).keys()) {
    const [, , name] = /^(function|view) ([a-z_]+\.[a-z_0-9]+)/.exec(identity) ?? [];
    if (name !== undefined && names.has(name)) await client.query(`drop ${identity}`);
  }
}

const inPlace = z.array(z.object({ identity: z.string(), version: z.string() }));

/** What stands now, as `drop` would name it, with a version that changes when it is created or replaced. */
async function behaviourInPlace(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query(
    `select 'function ' || p.oid::regprocedure as identity, p.oid || ' ' || p.xmin::text as version
     from pg_catalog.pg_proc p
     where p.pronamespace = any ($1::regnamespace[])
     union all
     select 'view ' || c.oid::regclass, c.oid || ' ' || r.xmin::text
     from pg_catalog.pg_class c
     join pg_catalog.pg_rewrite r on r.ev_class = c.oid
     where c.relnamespace = any ($1::regnamespace[]) and c.relkind = 'v'`,
    [SCHEMAS],
  );
  return new Map(inPlace.parse(rows).map(({ identity, version }) => [identity, version]));
}

async function sqlFiles(folder: string): Promise<string[]> {
  const directory = join(import.meta.dirname, folder);
  const files = await readdir(directory);
  return files
    .filter((name) => name.endsWith(".sql"))
    .toSorted()
    .map((name) => join(directory, name));
}
