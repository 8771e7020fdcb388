import { randomUUID } from "node:crypto";
import { isSafeError } from "postgraphile/grafast";
import { GraphQLError } from "postgraphile/graphql";
import { codeOf, describeCode, sentenceOf } from "../../db/errors.ts";
import type { Log } from "../../db/log.ts";
import { CodeSpentError } from "../linking.ts";
import { EventsInterruptedError } from "../live_events.ts";

/** PostgreSQL's code for a statement that ran into statement_timeout. */
const QUERY_CANCELED = "57014";

/**
 * What of an error a caller may read. Errors of ours keep their sentence and have their code in `extensions.code`; mistakes
 * in the query are the caller's own; everything else is an accident, of which the caller learns an id and the log the rest.
 *
 * @param options.hints whether a mistake may be answered with names from the schema
 */
export function createErrorMask({ log, hints }: { log: Log; hints: boolean }): (error: GraphQLError) => GraphQLError {
  return (error) => {
    const cause: unknown = error.originalError ?? null;
    if (cause === null || cause instanceof GraphQLError) {
      return told(error, withoutValues(hints ? error.message : error.message.replace(/ Did you mean .*$/s, "")), {
        code: typeof error.extensions["code"] === "string" ? error.extensions["code"] : "INVALID",
      });
    }
    const code = codeOf(cause);
    if (code !== null && describeCode(code).httpStatus !== 500) {
      if (describeCode(code).httpStatus === 503) log.warn({ err: cause }, "a provider could not be asked");
      const spent = cause instanceof CodeSpentError ? { monoAccountId: cause.monoAccountId } : {};
      return told(error, sentenceOf(cause, code), { code, ...spent });
    }
    if (cause instanceof EventsInterruptedError) return told(error, cause.message, { code: "INTERRUPTED" });
    if (cause instanceof Error && isSafeError(cause)) return told(error, cause.message, { ...cause.extensions });
    if (sqlState(cause) === QUERY_CANCELED) {
      return told(error, "The answer took too long; ask for less.", { code: "TIMEOUT" });
    }
    if (INPUT_REFUSED.has(sqlState(cause) ?? "")) {
      return told(error, "A value of the input cannot be stored.", { code: "INPUT" });
    }
    const id = randomUUID();
    log.error({ err: cause, error_id: id, path: error.path?.join(".") }, "a GraphQL request failed");
    return told(error, `An error occurred (id ${id}).`, { code: "INTERNAL", id });
  };
}

/** A check, a length, a number or a date that does not fit, a wrong format. What PostgreSQL says of them may quote rows. */
const INPUT_REFUSED = new Set(["23514", "22001", "22003", "22007", "22008", "22P02", "22021"]);

function told(error: GraphQLError, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, source, positions, path } = error;
  return new GraphQLError(message, {
    nodes: nodes ?? null,
    source: source ?? null,
    positions: positions ?? null,
    path: path ?? null,
    extensions,
  });
}

/** graphql-js quotes the value that does not fit its type, and a value may be a secret in the wrong place. */
function withoutValues(message: string): string {
  return message
    .replace(/got invalid value .*?(; |$)/s, "got an invalid value$1")
    .replace(/(cannot represent (?:an? )?[\w\s-]*?value): .*$/s, "$1.");
}

function sqlState(error: unknown): string | null {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null;
}
