/**
 * Every way in which talking to a provider can go wrong, one class and one meaning each. No class ever holds a body,
 * a header or a URL with a query: what they say can be logged and stored as it is.
 *
 * `operation` is our own short name of the call ("read transactions"), the same in messages, logs and tests.
 */

/** The connection could not be made, or broke before the whole answer had arrived. */
export class NetworkError extends Error {
  override readonly name = "NetworkError";
  readonly operation: string;
  /** The system's or undici's own code (`ECONNREFUSED`, `UND_ERR_SOCKET`), null where there was none. */
  readonly code: string | null;
  /** False when no connection was ever made: nobody was there to receive the request. */
  readonly reached: boolean;

  constructor(operation: string, detail: { code: string | null; reached: boolean; cause: unknown }) {
    const what = detail.reached ? "the connection broke" : "no connection could be made";
    super(`${operation}: ${what}${detail.code === null ? "" : ` (${detail.code})`}`, { cause: detail.cause });
    this.operation = operation;
    this.code = detail.code;
    this.reached = detail.reached;
  }
}

/** A connection was made, and the whole answer did not arrive in time. */
export class RequestTimeoutError extends Error {
  override readonly name = "RequestTimeoutError";
  readonly operation: string;

  constructor(operation: string, deadlineMs: number, cause: unknown) {
    super(`${operation}: no complete answer within ${deadlineMs} ms`, { cause });
    this.operation = operation;
  }
}

/** Our own side gave the request up: the worker is stopping or the run has lasted too long. */
export class RequestAbortedError extends Error {
  override readonly name = "RequestAbortedError";
  readonly operation: string;

  constructor(operation: string, cause: unknown) {
    super(`${operation}: given up by us`, { cause });
    this.operation = operation;
  }
}

/** The answer was larger than the limit. Reading stopped there. */
export class ResponseTooLargeError extends Error {
  override readonly name = "ResponseTooLargeError";
  readonly operation: string;

  constructor(operation: string, limitBytes: number) {
    super(`${operation}: the answer is larger than ${limitBytes} bytes`);
    this.operation = operation;
  }
}

/** A successful status whose body is no JSON, or is JSON's `null`. */
export class NotJsonError extends Error {
  override readonly name = "NotJsonError";
  readonly operation: string;
  readonly found: NotJson;

  constructor(operation: string, status: number, found: NotJson) {
    super(`${operation}: status ${status} with ${NOT_JSON_WORDS[found]} where JSON was expected`);
    this.operation = operation;
    this.found = found;
  }
}

export type NotJson = "empty" | "null" | "html" | "malformed";

const NOT_JSON_WORDS: Record<NotJson, string> = {
  empty: "an empty body",
  null: "null",
  html: "an HTML page",
  malformed: "malformed text",
};

/** JSON of another shape than the provider documents. Says where and how, never what was there. */
export class UnexpectedShapeError extends Error {
  override readonly name = "UnexpectedShapeError";
  readonly operation: string;
  /** `path: problem`, at most five. */
  readonly issues: string[];

  constructor(operation: string, issues: string[]) {
    super(`${operation}: unexpected shape (${issues.slice(0, 5).join("; ")})`);
    this.operation = operation;
    this.issues = issues.slice(0, 5);
  }
}

/** The provider answered that it would not or could not do it. */
export class ProviderError extends Error {
  override readonly name = "ProviderError";
  readonly operation: string;
  readonly status: number;
  /** The provider's own code, redacted; null where it gave none. */
  readonly code: string | null;
  /** The provider's own words, redacted and shortened; null where it gave none. */
  readonly providerMessage: string | null;
  /** The Retry-After header as it came, for `parseRetryAfter`; null where there was none. */
  readonly retryAfter: string | null;
  /** What the body was: a gateway's HTML page tells another story than the product's JSON. */
  readonly body: "json" | NotJson;

  constructor(
    operation: string,
    detail: {
      status: number;
      code: string | null;
      providerMessage: string | null;
      retryAfter: string | null;
      body: "json" | NotJson;
    },
  ) {
    const words = [detail.code, detail.providerMessage].filter((word) => word !== null).join(": ");
    super(`${operation}: status ${detail.status}${words === "" ? "" : ` (${words})`}`);
    this.operation = operation;
    this.status = detail.status;
    this.code = detail.code;
    this.providerMessage = detail.providerMessage;
    this.retryAfter = detail.retryAfter;
    this.body = detail.body;
  }
}

/** A base URL that would carry secrets in the clear, or is no http(s) URL at all. */
export class InsecureUrlError extends Error {
  override readonly name = "InsecureUrlError";

  constructor(reason: string) {
    super(`refused base URL: ${reason}`);
  }
}
