import type { FastifyInstance, FastifyRequest } from "fastify";
import { z } from "zod";
import { type FieldProblem, ProblemError } from "./problem.ts";

/** What an operation answers: one of its documented statuses, and a body that its schema describes. */
export type Answer = { status: number; body: unknown };

/** One endpoint, as it is served and as it is documented: both come from this. */
export type Operation = {
  method: "GET" | "POST" | "PUT";
  /** As OpenAPI writes it: `/sync/account/{id}`. */
  path: string;
  id: string;
  tag: "sync" | "accounts" | "webhooks" | "service";
  summary: string;
  description?: string;
  security: "serviceToken" | "monoWebhookSecret" | null;
  params: z.ZodType;
  query: z.ZodType;
  body: z.ZodType;
  answers: Readonly<Record<number, { description: string; schema: z.ZodType }>>;
  /** Statuses that are answered as a problem. */
  problems: readonly number[];
  handle: (request: FastifyRequest) => Promise<Answer>;
};

/** Where there is nothing to say; a parameter that nobody asked for is a mistake worth telling. */
export const nothing = z.strictObject({});

/**
 * Defines an operation whose `run` gets what the schemas made of the request. A request that does not fit is answered 400
 * with all its problems; `run` never sees it.
 */
export function operation<P, Q, B>(
  definition: Omit<Operation, "params" | "query" | "body" | "handle"> & {
    params: z.ZodType<P>;
    query: z.ZodType<Q>;
    body: z.ZodType<B>;
    run: (input: { params: P; query: Q; body: B }, request: FastifyRequest) => Promise<Answer>;
  },
): Operation {
  const { run, ...rest } = definition;
  return {
    ...rest,
    async handle(request) {
      const params = rest.params.safeParse(request.params);
      const query = rest.query.safeParse(request.query);
      const body = rest.body.safeParse(request.body);
      if (params.success && query.success && body.success) {
        return run({ params: params.data, query: query.data, body: body.data }, request);
      }
      const errors = [
        ...problemsOf("path", params.error),
        ...problemsOf("query", query.error),
        ...problemsOf("body", body.error),
      ];
      throw new ProblemError(400, { detail: "The request has problems; errors lists them all.", errors });
    },
  };
}

/** Serves operations in this context. What is sent is what the schema lets through. */
export function serve(app: FastifyInstance, operations: readonly Operation[]): void {
  for (const { method, path, handle, answers } of operations) {
    app.route({
      method,
      url: path.replaceAll(/\{(\w+)\}/g, ":$1"),
      // Limited by source and token instead, whatever the rest of the server does.
      config: { rateLimit: false },
      handler: async (request, reply) => {
        const { status, body } = await handle(request);
        const schema = answers[status]?.schema;
        if (schema === undefined) throw new Error(`${method} ${path} answers ${status}, which it does not document`);
        return reply.code(status).send(schema.parse(body));
      },
    });
  }
}

/** Every issue as a sentence without the value. A name that somebody made up is repeated only if it looks like a name. */
function problemsOf(where: FieldProblem["in"], error: z.ZodError | undefined): FieldProblem[] {
  return (error?.issues ?? []).flatMap((issue): FieldProblem[] => {
    const parent = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        in: where,
        field: [parent, /^[a-z_]{1,40}$/i.test(key) ? key : "(another)"].filter((part) => part !== "").join("."),
        problem: "is not known here",
      }));
    }
    return [{ in: where, field: parent, problem: inWords(issue) }];
  });
}

/** What zod says by itself is for those who know zod; what a schema of ours says is kept. */
function inWords(issue: z.core.$ZodIssue): string {
  if (!issue.message.startsWith("Invalid ")) return issue.message;
  if (issue.code === "invalid_type") {
    return issue.message.endsWith("received undefined") ? "is missing" : `must be of type ${issue.expected}`;
  }
  if (issue.code === "invalid_value") return `must be one of: ${issue.values.map(String).join(", ")}`;
  if (issue.code !== "invalid_format") return issue.message;
  return FORMATS[issue.format] ?? issue.message;
}

const FORMATS: Readonly<Record<string, string>> = {
  guid: "must be a UUID",
  datetime: "must be a moment as in ISO 8601, such as 2026-03-10T12:00:00Z",
};
