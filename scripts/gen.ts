/**
 * `npm run gen`: makes the files that are made from others, so that a reviewer reads the diff of the result.
 *
 *   npm run gen              writes them
 *   npm run gen -- --check   writes nothing; says which are out of date, and fails if any is
 *
 * It migrates a throw-away Postgres to read the result from; no database of anybody's is touched.
 */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { accessMatrix } from "../db/access.ts";
import { dumpSchema } from "../db/dump.ts";
import { pgPool } from "../db/pool.ts";
import { printApiSchema } from "../server/graphql/make_schema.ts";
import { pageDocuments } from "./gen_page_documents.ts";
import { onSession, withMigratedDatabase } from "./migrated_database.ts";

const root = join(import.meta.dirname, "..");

/** Each made from a freshly migrated database. */
const generated: { path: string; make: (databaseUrl: string) => Promise<string> }[] = [
  { path: "db/schema.sql", make: (databaseUrl) => onSession(databaseUrl, dumpSchema) },
  { path: "db/ACCESS.md", make: (databaseUrl) => onSession(databaseUrl, accessMatrix) },
  { path: "server/schema.graphql", make: apiSchemaOf },
  // After the schema, which it is made from.
  { path: "server/web/page/graphql/operations.ts", make: pageDocuments },
];

async function apiSchemaOf(databaseUrl: string): Promise<string> {
  const db = pgPool({ databaseUrl, role: "app_authenticator", max: 2, name: "tidemark gen" });
  try {
    return await printApiSchema(db);
  } finally {
    await db.end();
  }
}

async function main(args: string[]): Promise<void> {
  if (args.some((arg) => arg !== "--check"))
    throw new RangeError(`npm run gen takes --check only, not ${args.join(" ")}`);
  const checkOnly = args.includes("--check");
  await withMigratedDatabase(async (databaseUrl) => {
    for (const { path, make } of generated) {
      const [text, before] = [await make(databaseUrl), await readFile(join(root, path), "utf8").catch(() => undefined)];
      if (text === before) {
        console.log(`${path}: up to date`);
      } else if (checkOnly) {
        console.log(`${path}: out of date; npm run gen makes it anew`);
        process.exitCode = 1;
      } else {
        await writeFile(join(root, path), text);
        console.log(`${path}: written`);
      }
    }
  });
}

await main(process.argv.slice(2));
