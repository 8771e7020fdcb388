import { EnvironmentError } from "../db/environment.ts";
import { CredentialError } from "../tasks/@credentials/credential_error.ts";
import { SetUpError } from "../tasks/@worker/runtime.ts";
import { DataFolderError, DataFolderInUseError } from "./postgres/data_folder.ts";
import { PostgresStartError } from "./postgres/embedded.ts";
import { MissingPostgresFilesError } from "./postgres/native_files.ts";
import { NoSystemUserError } from "./postgres/system_user.ts";

/** A command was called in a way that makes no sense; the message is the sentence that helps. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/**
 * The end of a command that could not do its work. What the operator can mend is one readable sentence and exit code 2;
 * anything else is a defect of ours and keeps its stack, with exit code 1.
 */
export function exitWithSentence(error: unknown): void {
  const sentence = sentenceFor(error);
  if (sentence === null) {
    console.error(error);
    process.exitCode = 1;
  } else {
    console.error(sentence);
    process.exitCode = 2;
  }
}

/** Their messages are written for whoever started the command. */
const forOperators = [
  UsageError,
  EnvironmentError,
  SetUpError,
  CredentialError,
  DataFolderError,
  DataFolderInUseError,
  MissingPostgresFilesError,
  NoSystemUserError,
  PostgresStartError,
];

/** What the operator can do about it, where that is known; null for a defect of ours. */
export function sentenceFor(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if (forOperators.some((kind) => error instanceof kind)) return error.message;
  if ("code" in error && typeof error.code === "string") {
    if (error.code === "EADDRINUSE" && "port" in error) {
      return `Port ${String(error.port)} is taken: stop what uses it, or choose another (PORT; for a worker's metrics TIDEMARK_METRICS_PORT).`;
    }
    if (error.code.startsWith("ERR_PARSE_ARGS")) return error.message;
    if (error.code === "ECONNREFUSED" || error.code === "ENOTFOUND") {
      return "Postgres cannot be reached at DATABASE_URL: is it running, and is the address right?";
    }
    if (error.code === "08P01" && error.message.includes("unsupported startup parameter")) {
      return "DATABASE_URL leads to a pooler that takes no role at the start of a session: give it a direct address.";
    }
    if (error.code === "53300") return "Postgres has no connection left for us.";
    if (error.code === "28P01" || error.code === "28000") return "Postgres refused the login in DATABASE_URL.";
    if (error.code === "3D000") return "The database named in DATABASE_URL does not exist.";
    if (error.code === "22023" || error.code === "42704" || error.code === "3F000") {
      // `set role` at the start of a session, or a schema: the one or the other is not there yet.
      return "The database has not been migrated yet: run `npm run db:migrate` first.";
    }
    if (error.code === "42883") {
      return "The database is older than this code: run `npm run db:migrate` first.";
    }
  }
  return null;
}
