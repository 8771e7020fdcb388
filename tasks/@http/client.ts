import { getCACertificates } from "node:tls";
import { Agent, errors as undici, request } from "undici";
import {
  InsecureUrlError,
  NetworkError,
  type NotJson,
  RequestAbortedError,
  RequestTimeoutError,
  ResponseTooLargeError,
} from "./errors.ts";
import { parseExactJson } from "./exact_json.ts";
import type { Exchange } from "./exchange.ts";

export type HttpClientOptions = {
  /** Connections kept per origin. */
  connections?: number;
  connectTimeoutMs?: number;
  /** How long an idle connection is kept where the provider does not say. */
  keepAliveMs?: number;
  maxResponseBytes?: number;
  userAgent?: string;
  /** Certificates (PEM) to trust besides the public ones: a simulator's. */
  trusted?: string;
};

/** For whom a request is made: who may stop it, and who counts it. A run's SyncContext is one. */
export type Call = {
  signal: AbortSignal;
  /** Awaited before each request is sent; what it throws is thrown as it is, and nothing is sent. */
  permit?(): Promise<void>;
  /** Told of each request that was sent, as soon as its answer was read or given up. */
  told?(exchange: Exchange): void;
};

export type HttpRequest = {
  operation: string;
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  url: URL;
  headers?: Record<string, string>;
  /** At most one of the three; without any, no body and no content type are sent. */
  json?: unknown;
  form?: Record<string, string>;
  /** Sent as they are; their type is among the headers. */
  bytes?: Uint8Array;
  call: Call;
  /** From the call to the last byte of the answer, whatever happens in between. */
  deadlineMs: number;
};

export type ReplyBody = { kind: "json"; value: unknown } | { kind: NotJson };

export type HttpReply = {
  operation: string;
  status: number;
  /** Names in lower case; of a repeated header, the first. */
  headers: ReadonlyMap<string, string>;
  body: ReplyBody;
};

export type HttpClient = {
  /**
   * Sends one request and reads the whole answer, whatever its status; redirects are not followed, so that no key
   * travels to a place that was not configured.
   *
   * Throws NetworkError, RequestTimeoutError, RequestAbortedError, ResponseTooLargeError.
   */
  send(request: HttpRequest): Promise<HttpReply>;
  close(): Promise<void>;
};

/** A client with one keep-alive pool per origin. Retries nothing: when to try again is the database's decision. */
export function createHttpClient(options: HttpClientOptions = {}): HttpClient {
  const { maxResponseBytes = 8 * 1024 * 1024, userAgent = "tidemark" } = options;
  const agent = new Agent({
    connections: options.connections ?? 32,
    pipelining: 1,
    connect: {
      timeout: options.connectTimeoutMs ?? 5_000,
      ...(options.trusted === undefined ? {} : { ca: [...getCACertificates("default"), options.trusted] }),
    },
    keepAliveTimeout: options.keepAliveMs ?? 30_000,
  });

  return {
    async send({ operation, method, url, headers, json, form, bytes, call, deadlineMs }) {
      const { signal } = call;
      const content = contentOf(json, form, bytes);
      await call.permit?.();
      const startedAt = performance.now();
      const tell = (status: Exchange["status"]) => {
        call.told?.({ operation, status, milliseconds: performance.now() - startedAt });
      };
      const deadline = AbortSignal.timeout(deadlineMs);
      try {
        const response = await request(url, {
          dispatcher: agent,
          method,
          headers: { accept: "application/json", "user-agent": userAgent, ...content.headers, ...headers },
          body: content.body,
          signal: AbortSignal.any([signal, deadline]),
          headersTimeout: deadlineMs,
          bodyTimeout: deadlineMs,
        });
        const read = await readAtMost(maxResponseBytes, response.body, response.headers["content-length"]);
        if (read === null) throw new ResponseTooLargeError(operation, maxResponseBytes);
        tell(response.statusCode);
        return {
          operation,
          status: response.statusCode,
          headers: firstOfEach(response.headers),
          body: understood(read),
        };
      } catch (error) {
        const failure = failureOf(error, { operation, deadlineMs, aborted: signal.aborted, late: deadline.aborted });
        tell(failure.status);
        throw failure.error;
      }
    },
    close: () => agent.close(),
  };
}

type SendFailure = { status: Extract<Exchange["status"], string>; error: Error };

/** What an error of undici's, or of our own reading, means: for the caller, and for whoever counts. */
function failureOf(
  error: unknown,
  { operation, deadlineMs, aborted, late }: { operation: string; deadlineMs: number; aborted: boolean; late: boolean },
): SendFailure {
  if (error instanceof ResponseTooLargeError) return { status: "too_large", error };
  if (aborted) return { status: "aborted", error: new RequestAbortedError(operation, error) };
  if (late || isTimeout(error)) {
    return { status: "timeout", error: new RequestTimeoutError(operation, deadlineMs, error) };
  }
  const code = codeOf(error);
  const reached = !isUnreachable(code);
  return {
    status: reached ? "broken" : "unreachable",
    error: new NetworkError(operation, { code, reached, cause: error }),
  };
}

/**
 * The URL of `path` under a base that may have a path of its own. Secrets go over TLS: plain http is for this
 * machine only, where the simulators are. Throws InsecureUrlError.
 */
export function urlUnder(base: string, path: string, query: Record<string, string> = {}): URL {
  if (!URL.canParse(base)) throw new InsecureUrlError("not a URL");
  const url = new URL(base);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new InsecureUrlError(`${url.protocol}//${url.hostname} must be https`);
  }
  if (url.username !== "" || url.password !== "") throw new InsecureUrlError("it carries credentials");
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  url.search = new URLSearchParams(query).toString();
  url.hash = "";
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(hostname);
}

function contentOf(json: unknown, form: Record<string, string> | undefined, bytes: Uint8Array | undefined) {
  if (json !== undefined) return { headers: { "content-type": "application/json" }, body: JSON.stringify(json) };
  if (form !== undefined) {
    const body = new URLSearchParams(form).toString();
    return { headers: { "content-type": "application/x-www-form-urlencoded" }, body };
  }
  return { headers: {}, body: bytes ?? null };
}

type Body = AsyncIterable<unknown> & { destroy(): unknown; on(event: "error", listener: () => void): unknown };

/** The body's bytes, or null as soon as it is clear that they are too many. */
async function readAtMost(
  limit: number,
  body: Body,
  declared: string | string[] | undefined,
): Promise<Uint8Array | null> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (Number(declared ?? 0) <= limit) {
    for await (const chunk of body) {
      if (!(chunk instanceof Uint8Array)) throw new TypeError("undici gave a chunk that is not bytes");
      size += chunk.length;
      if (size > limit) break;
      chunks.push(chunk);
    }
    if (size <= limit) return Buffer.concat(chunks, size);
  }
  // Destroying the body closes its connection: the rest is never read. The error that this raises is our own doing.
  body.on("error", () => undefined);
  body.destroy();
  return null;
}

function firstOfEach(headers: Record<string, string | string[] | undefined>): ReadonlyMap<string, string> {
  const first = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    const one = Array.isArray(value) ? value[0] : value;
    if (one !== undefined) first.set(name.toLowerCase(), one);
  }
  return first;
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

function understood(bytes: Uint8Array): ReplyBody {
  let text: string;
  try {
    text = utf8.decode(bytes).trim();
  } catch {
    return { kind: "malformed" }; // Bytes that are no UTF-8; what else could be said about them is lost anyway.
  }
  if (text === "") return { kind: "empty" };
  if (text.startsWith("<")) return { kind: "html" };
  try {
    const value = parseExactJson(text);
    return value === null ? { kind: "null" } : { kind: "json", value };
  } catch {
    return { kind: "malformed" }; // The parser's message would quote the body.
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof undici.HeadersTimeoutError || error instanceof undici.BodyTimeoutError;
}

function codeOf(error: unknown): string | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return null;
}

const UNREACHABLE = new Set([
  "EAI_AGAIN",
  "ECONNREFUSED",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "UND_ERR_CONNECT_TIMEOUT",
]);

/** Name resolution, routing, connect and TLS errors: whoever was there, it was not the provider. */
function isUnreachable(code: string | null): boolean {
  return (
    code !== null &&
    (UNREACHABLE.has(code) || /^(?:CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
  );
}
