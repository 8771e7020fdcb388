/** `npm run server`: answers over HTTP until it is told to stop. */

import { loadEnvironment } from "../db/environment.ts";
import { createLog } from "../db/log.ts";
import { startServer } from "../server/start_server.ts";
import { takesNoArguments } from "./arguments.ts";
import { exitWithSentence, UsageError } from "./usage.ts";

const HELP = `npm run server: answers over HTTP until it is told to stop.
It takes no arguments; DATABASE_URL, PORT and the other variables of .env.example tell it everything.`;

async function main(): Promise<void> {
  takesNoArguments(HELP);
  const environment = loadEnvironment();
  const { DATABASE_URL } = environment;
  if (DATABASE_URL === undefined) {
    throw new UsageError("DATABASE_URL is not set: the server needs to know its database.");
  }
  const log = createLog({ level: environment.LOG_LEVEL, process: "server" });
  const server = await startServer({ environment: { ...environment, DATABASE_URL }, log });
  log.info({ url: server.url }, "server started");
  const stop = () => {
    server.close().catch(exitWithSentence);
  };
  process.once("SIGTERM", stop).once("SIGINT", stop);
}

main().catch(exitWithSentence);
