/**
 * `npm run check:config`: what is wrong with the environment and the database it names, without starting anything.
 *
 *   npm run check:config                                  one server and one worker
 *   npm run check:config -- --workers 3 --concurrency 16  whether Postgres has connections for them
 *
 * An error keeps a process from working, a warning leaves something off. Exit code 1 where there is an error, else 0.
 */

import { platformSource } from "../db/queries/runs.ts";
import { databaseFindings } from "./configuration/database_findings.ts";
import { environmentFindings, readEnvironment } from "./configuration/environment_findings.ts";
import { readCommandLine } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run check:config: what is wrong with the environment and the database it names, without starting anything.
  --servers N, --workers N   whether Postgres has connections for so many processes (1 each)
  --concurrency N            of the workers (8)`;

async function main(): Promise<void> {
  const { values } = readCommandLine(HELP, {
    options: {
      servers: { type: "string", default: "1" },
      workers: { type: "string", default: "1" },
      concurrency: { type: "string", default: "8" },
    },
  });
  const plan = {
    servers: count("servers", values.servers),
    workers: count("workers", values.workers),
    concurrency: count("concurrency", values.concurrency),
    platforms: platformSource.options.length,
  };
  const { environment, findings } = readEnvironment(process.cwd(), process.env);
  if (environment !== null) {
    findings.push(...environmentFindings(environment));
    const { DATABASE_URL } = environment;
    if (DATABASE_URL !== undefined) findings.push(...(await databaseFindings({ ...environment, DATABASE_URL }, plan)));
  }
  for (const level of ["error", "warning"] as const) {
    for (const { text } of findings.filter((finding) => finding.level === level)) {
      console.log(`${level.padEnd(7)}  ${text}`);
    }
  }
  const errors = findings.filter(({ level }) => level === "error").length;
  console.log(`${errors} errors, ${findings.length - errors} warnings`);
  if (errors > 0) process.exitCode = 1;
}

function count(name: string, text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new UsageError(`--${name} takes a whole number from 0 to 999.`);
  return Number(text);
}

main().catch(exitWithSentence);
