import type { FastifyReply } from "fastify";
import { STATUS_CODES } from "node:http";
import { z } from "zod";

/** What is wrong with one field of a request. Says where and what, and repeats no value: it may be a secret. */
export const fieldProblem = z.strictObject({
  in: z.enum(["path", "query", "body"]),
  field: z.string(),
  problem: z.string(),
});
export type FieldProblem = z.infer<typeof fieldProblem>;

/** An error as our endpoints answer it: RFC 9457, `application/problem+json`. */
export const problem = z.strictObject({
  type: z.string().describe("urn:tidemark:problem:CODE where there is a code, else about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.string().optional().describe("One of ours, see db/ERRORS.md"),
  detail: z.string().optional(),
  errors: z.array(fieldProblem).optional().describe("Every problem of the request, not only the first"),
  mono_account_id: z
    .string()
    .optional()
    .describe("The account of a code that was exchanged before its linking failed: a code works once, so link by this"),
});
export type Problem = z.infer<typeof problem>;

/** Thrown by a handler, answered as a problem. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    status: number,
    about: Partial<Omit<Problem, "status" | "type">> = {},
    options: ErrorOptions & { headers?: Record<string, string> } = {},
  ) {
    const title = about.title ?? STATUS_CODES[status] ?? "Error";
    super(about.detail ?? title, options);
    const type = about.code === undefined ? "about:blank" : `urn:tidemark:problem:${about.code}`;
    this.problem = { type, ...about, title, status };
    this.headers = options.headers ?? {};
  }
}

export const sendProblem = (reply: FastifyReply, { problem: body, headers }: ProblemError): FastifyReply =>
  reply.code(body.status).headers(headers).type("application/problem+json").send(body);
