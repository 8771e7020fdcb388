import type { z } from "zod";
import type { HttpReply } from "./client.ts";
import { NotJsonError, UnexpectedShapeError } from "./errors.ts";

/** The reply's body as the schema sees it. Throws NotJsonError, UnexpectedShapeError. */
export function parseReply<T>(reply: HttpReply, schema: z.ZodType<T>): T {
  if (reply.body.kind !== "json") throw new NotJsonError(reply.operation, reply.status, reply.body.kind);
  const parsed = schema.safeParse(reply.body.value);
  if (!parsed.success) throw new UnexpectedShapeError(reply.operation, issuesOf(parsed.error));
  return parsed.data;
}

/** Where and how a value missed its schema. zod's own messages are left out: some of them quote the value. */
export function issuesOf(error: z.ZodError): string[] {
  return error.issues.map((issue) => `${issue.path.map(String).join(".") || "(root)"}: ${issue.code}`);
}
