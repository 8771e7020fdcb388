/** `npm run db:migrate`: brings the database of DATABASE_URL to the state this code expects. Safe to run again. */

import { loadEnvironment } from "../db/environment.ts";
import { migrate } from "../db/migrate.ts";
import { takesNoArguments } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run db:migrate: brings the database of DATABASE_URL to the state this code expects. Safe to run again.
It takes no arguments.`;

async function main(): Promise<void> {
  takesNoArguments(HELP);
  const { DATABASE_URL: databaseUrl } = loadEnvironment();
  if (databaseUrl === undefined) {
    throw new UsageError("DATABASE_URL is not set: there is no database to migrate. (`npm start` migrates its own.)");
  }
  await migrate({ databaseUrl, log: console.log });
}

main().catch(exitWithSentence);
