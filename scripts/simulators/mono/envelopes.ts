/** How Mono v2 wraps what it says (Mono docs; failures as seen by third parties). */
import { ZodError, prettifyError } from "zod";
import { json, type Handler, type Reply } from "../http.ts";
import { BadRequest, UnknownThing } from "./errors.ts";

export type Meta = { total: number; page: number; previous: string | null; next: string | null };

export function successful(
  now: number,
  message: string,
  data: unknown,
  more: { meta?: Meta; headers?: Record<string, string> } = {},
): Reply {
  const envelope = { status: "successful", message, timestamp: new Date(now).toISOString(), data };
  return json(200, more.meta === undefined ? envelope : { ...envelope, meta: more.meta }, more.headers);
}

export function failed(now: number, status: number, message: string, headers: Record<string, string> = {}): Reply {
  return json(status, { status: "failed", message, timestamp: new Date(now).toISOString(), data: null }, headers);
}

/** The one failure without a timestamp. */
export function unauthorized(): Reply {
  return json(401, { status: "failed", message: "Unauthorized request.", data: null });
}

/** Errors of ours in Mono's words. */
export function inEnvelope(now: () => number, handle: Handler): Handler {
  return async (request) => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof UnknownThing) return failed(now(), 404, error.message);
      if (error instanceof BadRequest) return failed(now(), 400, error.message);
      if (error instanceof ZodError) return failed(now(), 400, prettifyError(error));
      throw error;
    }
  };
}
