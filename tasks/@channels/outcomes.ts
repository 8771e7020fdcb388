import { NetworkError, RequestAbortedError, RequestTimeoutError, ResponseTooLargeError } from "../@http/errors.ts";
import type { HttpReply } from "../@http/client.ts";
import { parseRetryAfter } from "../@http/retry_after.ts";
import type { Instant } from "../@sync/platform.ts";
import type { DeliveryOutcome } from "./channel.ts";

/** The code of an attempt that we stopped ourselves. */
export const INTERRUPTED = "interrupted";

/**
 * What both channels make of the way there and back: whatever broke on it may have arrived, so that it is tried again
 * with the same key. Null for errors that are no failure of the way.
 */
export function transportOutcome(error: unknown, channel: string): DeliveryOutcome | null {
  if (error instanceof RequestAbortedError) {
    return retry(INTERRUPTED, "The attempt was stopped before it had finished.");
  }
  if (error instanceof RequestTimeoutError) return retry("timeout", `${channel} did not answer in time.`);
  if (error instanceof NetworkError) {
    const code = error.code ?? "network_error";
    return error.reached
      ? retry(code, `The connection to ${channel} broke.`)
      : retry(code, `${channel} could not be reached.`);
  }
  if (error instanceof ResponseTooLargeError) {
    return retry("response_too_large", `${channel} sent more data than is plausible.`);
  }
  return null;
}

export function retry(code: string, reason: string, notBefore: Instant | null = null): DeliveryOutcome {
  return { kind: "retry", notBefore, code, reason };
}

/** The moment that a Retry-After header names, in seconds or as a date; null where it names none. */
export function retryAfter(reply: HttpReply, now: Date): Instant | null {
  const seconds = parseRetryAfter(reply.headers.get("retry-after") ?? null, now);
  return seconds === null ? null : new Date(now.getTime() + seconds * 1000).toISOString();
}
