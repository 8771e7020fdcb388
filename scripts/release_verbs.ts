/**
 * `node scripts/bootstrap.mjs scripts/release_verbs.ts`, once a release: notes in db/released_verbs.json what its processes call, so
 * that the next release keeps it for them (db/verbs.test.ts). It migrates a throw-away Postgres to read it from.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { verbsOf } from "../db/verbs.ts";
import { onSession, withMigratedDatabase } from "./migrated_database.ts";

await withMigratedDatabase(async (databaseUrl) => {
  const verbs = await onSession(databaseUrl, verbsOf);
  const lines = verbs.map((verb) => `  ${JSON.stringify(verb)}`);
  await writeFile(join(import.meta.dirname, "../db/released_verbs.json"), `[\n${lines.join(",\n")}\n]\n`);
  console.log(`db/released_verbs.json: ${verbs.length} verbs`);
});
