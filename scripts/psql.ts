/**
 * `npm run psql [-- arguments of psql]`: opens psql on the database of DATABASE_URL, or on the one of the `npm start`
 * that runs here, with short names for the views of app_admin (db/psqlrc): `:health`, `:late`, … For example: npm run psql -- -c 'select * from app_public.sync_logs order by id desc limit 5'
 */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { loadEnvironment } from "../db/environment.ts";
import { commandDatabase } from "./connection.ts";
import { withoutPassword } from "./postgres/connection_url.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

/** Instead of ~/.psqlrc; whoever has set PSQLRC keeps theirs. */
const shortNames = join(import.meta.dirname, "../db/psqlrc");

async function main(): Promise<void> {
  const { databaseUrl, started } = await commandDatabase(loadEnvironment());
  const { url, password } = withoutPassword(databaseUrl);
  const child = spawn("psql", [url, ...process.argv.slice(2)], {
    stdio: "inherit",
    // Arguments stand in every process list; the environment is its owner's to read only.
    env: { PSQLRC: shortNames, ...process.env, ...(password === null ? {} : { PGPASSWORD: password }) },
  });
  // Ctrl-C stops a query and not psql: it is psql that hears it.
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => {});
  process.exitCode = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(isMissing(error) ? noPsql(started === null ? url : databaseUrl) : error));
    child.once("exit", (code) => resolve(code ?? 1));
  });
}

const isMissing = (error: Error): boolean => "code" in error && error.code === "ENOENT";

/** The embedded database's password is shown: it is good on this machine only, and until the next start. */
const noPsql = (url: string): UsageError =>
  new UsageError(
    "There is no psql on this machine. Any client of Postgres will do, with this address:\n" +
      `  ${url}\n` +
      "psql comes with Debian's and Ubuntu's postgresql-client, Homebrew's libpq (brew link --force libpq), and the " +
      "installer on postgresql.org.",
  );

main().catch(exitWithSentence);
