import type { FastifyError, FastifyInstance } from "fastify";
import { codeOf, describeCode, sentenceOf } from "../../db/errors.ts";
import { ProblemError, sendProblem } from "./problem.ts";

/** Whatever a handler of this context throws becomes a problem; what nobody expected is logged, and told to no client. */
export function answerErrors(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError | Error>((error, request, reply) => {
    const said = problemOf(error);
    if (said === null)
      request.log.error({ err: error }, "request failed: %s %s", request.method, request.routeOptions.url);
    return sendProblem(reply, said ?? new ProblemError(500));
  });
}

/** Null for an error that is our fault. */
function problemOf(error: FastifyError | Error): ProblemError | null {
  if (error instanceof ProblemError) return error;
  const code = codeOf(error);
  if (code !== null) {
    const { httpStatus } = describeCode(code);
    return httpStatus === 500 ? null : new ProblemError(httpStatus, { code, detail: sentenceOf(error, code) });
  }
  if (!("statusCode" in error) || typeof error.statusCode !== "number" || error.statusCode >= 500) return null;
  // Fastify's own words may quote the body.
  return new ProblemError(error.statusCode, { detail: REFUSALS[error.code] ?? "The request could not be read." });
}

const REFUSALS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: "The content type must be application/json.",
  FST_ERR_CTP_BODY_TOO_LARGE: "The body is too large.",
  FST_ERR_CTP_INVALID_JSON_BODY: "The body is not JSON.",
  FST_ERR_CTP_EMPTY_JSON_BODY: "The body is empty, though its content type says JSON.",
};
