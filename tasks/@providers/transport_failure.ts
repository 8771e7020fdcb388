import {
  NetworkError,
  NotJsonError,
  type ProviderError,
  RequestAbortedError,
  RequestTimeoutError,
  ResponseTooLargeError,
  UnexpectedShapeError,
} from "../@http/errors.ts";
import { parseRetryAfter } from "../@http/retry_after.ts";
import type { FailureKind, SyncFailure } from "../@sync/platform.ts";
import { PagingError, WindowUnstableError } from "../@sync/read_window.ts";

/** A failure with its message cut to the 200 characters that the log keeps. */
export function failure(
  kind: FailureKind,
  message: string,
  detail: Partial<Pick<SyncFailure, "code" | "retryAt">> = {},
) {
  return { kind, message: message.slice(0, 200), code: detail.code ?? null, retryAt: detail.retryAt ?? null };
}

/**
 * What every platform means by the failures of the way there and back: nobody at the other end is `provider_down`;
 * one request that broke or took too long is `transient`; an answer that cannot be read is `invalid_response`.
 * Null for errors that only the platform can judge.
 */
export function transportFailure(error: unknown, provider: string): SyncFailure | null {
  if (error instanceof RequestAbortedError)
    return failure("interrupted", "The run was stopped before it had finished.");
  if (error instanceof NetworkError) {
    return error.reached
      ? failure("transient", `The connection to ${provider} broke.`, { code: error.code })
      : failure("provider_down", `${provider} could not be reached.`, { code: error.code });
  }
  if (error instanceof RequestTimeoutError) {
    return failure("transient", `${provider} did not answer in time (${error.operation}).`, { code: "timeout" });
  }
  if (error instanceof WindowUnstableError) {
    return failure("transient", `${provider}'s list of transactions kept changing while it was read.`, {
      code: "window_unstable",
    });
  }
  if (error instanceof ResponseTooLargeError) {
    return failure("invalid_response", `${provider} sent more data than is plausible (${error.operation}).`, {
      code: "response_too_large",
    });
  }
  if (error instanceof NotJsonError) {
    return failure("invalid_response", `${provider} sent no usable data (${error.message}).`, {
      code: `not_json_${error.found}`,
    });
  }
  if (error instanceof UnexpectedShapeError) {
    return failure("invalid_response", `${provider} sent data of an unknown shape (${error.message}).`, {
      code: "unexpected_shape",
    });
  }
  if (error instanceof PagingError) {
    return failure("invalid_response", `${provider}'s pages lead nowhere (${error.message}).`, { code: "paging" });
  }
  return null;
}

/**
 * An error that no rule knows, so most likely our own mistake. Only its class is told, because its message may quote
 * anything; whoever records the failure still has the error itself to log.
 */
export function unknownFailure(error: unknown): SyncFailure {
  const name = error instanceof Error ? error.name : typeof error;
  return failure("transient", `The run broke with an unexpected ${name}.`, { code: "unexpected_error" });
}

/**
 * Fewer requests are wanted. When to come back is told by Retry-After, or in words ("Try again in 7 seconds", which is
 * how Azure's gateway in front of MTN's APIs says it), or not at all.
 */
export function rateLimited(error: ProviderError, provider: string, now: Date): SyncFailure {
  const inWords = /\bin (\d{1,5}) seconds?\b/i.exec(error.providerMessage ?? "")?.[1] ?? null;
  const seconds = parseRetryAfter(error.retryAfter, now) ?? parseRetryAfter(inWords, now);
  return failure("rate_limited", `${provider} asks for fewer requests.`, {
    code: providersWords(error),
    retryAt: seconds === null ? null : new Date(now.getTime() + seconds * 1000).toISOString(),
  });
}

/** The provider's code, else its words, else the status: what accounts' owners may quote to its support. */
export function providersWords(error: ProviderError): string {
  return error.code ?? error.providerMessage ?? `HTTP ${error.status}`;
}
