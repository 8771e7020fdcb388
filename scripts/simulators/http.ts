/**
 * The thin node:http frame under every simulator: routes, JSON bodies, counts by route, and replies that may also
 * misbehave on the wire (late, cut, never). It binds to 127.0.0.1 only.
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout as pause } from "node:timers/promises";
import { ZodError, prettifyError } from "zod";

export type SimulatorRequest = {
  method: string;
  /** Without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  /** Values of the route's `:names`, decoded. */
  params: Record<string, string>;
  /** `METHOD /path/:as/registered`, or `unmatched`. */
  route: string;
  /** The body parsed as JSON; undefined when there was none or when it was not JSON. */
  body: unknown;
  rawBody: string;
  /** The body as it came. */
  bytes: Buffer;
  /** 1 for the first request this server ever received, control requests not counted (they stay at 0). */
  ordinal: number;
};

export type Reply = {
  status: number;
  headers?: Record<string, string>;
  body: string | Buffer;
  /** Milliseconds of machine time before the first byte. */
  delayMs?: number;
  /** The first byte waits for this. */
  after?: Promise<unknown>;
  /** cut_before: the connection dies unanswered; cut_midway: after half the body; hang: silence until the caller leaves. */
  wire?: "cut_before" | "cut_midway" | "hang";
};

export type Handler = (request: SimulatorRequest) => Reply | Promise<Reply>;

export type Route = { method: string; /** With `:names`, e.g. `/v2/accounts/:id`. */ path: string; handle: Handler };

export type RequestRecord = {
  ordinal: number;
  at: number;
  method: string;
  path: string;
  route: string;
  status: number;
};

export type SimulatorServer = {
  /** `http://127.0.0.1:port` (with TLS `https://localhost:port`), no slash at the end. */
  url: string;
  port: number;
  /** Requests received so far by route; control requests are not among them. */
  counts(): Record<string, number>;
  /** The last 500 answered requests, oldest first: "what led to it". */
  recent(): RequestRecord[];
  /** Errors thrown by handlers: bugs of the simulator, each answered with a 500. */
  bugs(): unknown[];
  /** Resolves with the next request that fits, on its arrival, before it is answered. Rejects when the server closes. */
  nextRequest(match: (request: SimulatorRequest) => boolean): Promise<SimulatorRequest>;
  /** Forgets counts, recent requests and bugs; ordinals go on. */
  forget(): void;
  close(): Promise<void>;
};

export type ServerOptions = {
  routes: Route[];
  /** 0 (the default) takes any free port. */
  port?: number;
  /** Speaks TLS, with this key and certificate (PEM). */
  tls?: { key: string; cert: string };
  now?: () => number;
  /** Requests under this path are ours: not counted, not recorded, not handed to `around`. */
  controlPath?: string;
  /** Called instead of each handler, and may call it: keys, limits and faults live here. */
  around?: (request: SimulatorRequest, answer: () => Promise<Reply>) => Reply | Promise<Reply>;
  /** No route fits. */
  notFound?: Handler;
  /** There was a body and it is not JSON, for a route that is not a control route. Without it the handler sees `body: undefined`. */
  notJson?: Handler;
};

const BODY_LIMIT = 4 * 1024 * 1024;
const RECENT = 500;

declare global {
  // In V8 since 11.4; TypeScript's lib does not name it yet.
  interface JSON {
    rawJSON(text: string): unknown;
  }
}

/** JSON in which a bigint is an integer, exact whatever its size. */
export function exactJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    // Only now: a replacer, asked about every part, makes a page of transactions four times dearer.
    return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? JSON.rawJSON(`${part}`) : part));
  }
}

/** A JSON reply; money may be bigint. */
export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  const type = { "content-type": "application/json; charset=utf-8" };
  return { status, headers: { ...type, ...headers }, body: exactJson(value) };
}

export function text(status: number, body: string, contentType = "text/plain; charset=utf-8"): Reply {
  return { status, headers: { "content-type": contentType }, body };
}

export function empty(status: number, headers: Record<string, string> = {}): Reply {
  return { status, headers, body: "" };
}

/** One header's value, whichever way node gives it. */
export function header(request: SimulatorRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

export async function startServer(options: ServerOptions): Promise<SimulatorServer> {
  const now = options.now ?? Date.now;
  const compiled = options.routes.map((route) => ({ ...route, pattern: compile(route.path) }));
  const waiters = new Set<Waiter>();
  let counts = new Map<string, number>();
  let recent: RequestRecord[] = [];
  let bugs: unknown[] = [];
  let ordinal = 0;

  const isControl = (path: string): boolean =>
    options.controlPath !== undefined && (path === options.controlPath || path.startsWith(`${options.controlPath}/`));

  const receive = async (message: IncomingMessage): Promise<{ request: SimulatorRequest; handle: Handler }> => {
    const url = new URL(message.url ?? "/", "http://127.0.0.1");
    const method = message.method ?? "GET";
    const bytes = await readBody(message);
    const rawBody = bytes.toString("utf8");
    const found = compiled
      .filter((route) => route.method === method)
      .map((route) => ({ route, match: route.pattern.exec(url.pathname) }))
      .find(({ match }) => match !== null);
    const control = isControl(url.pathname);
    if (!control) ordinal += 1;
    const request: SimulatorRequest = {
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: message.headers,
      params: decodeParams(found?.match?.groups ?? {}),
      route: found === undefined ? "unmatched" : `${method} ${found.route.path}`,
      body: parseJson(rawBody),
      rawBody,
      bytes,
      ordinal: control ? 0 : ordinal,
    };
    if (found === undefined)
      return { request, handle: options.notFound ?? (() => json(404, { message: "No such route" })) };
    if (rawBody !== "" && request.body === undefined && !control && options.notJson !== undefined) {
      return { request, handle: options.notJson };
    }
    return { request, handle: found.route.handle };
  };

  const answer = async (request: SimulatorRequest, handle: Handler): Promise<Reply> => {
    const guarded = async (): Promise<Reply> => {
      try {
        return await handle(request);
      } catch (error) {
        if (error instanceof ZodError) return json(400, { error: prettifyError(error) });
        bugs.push(error);
        return json(
          500,
          { error: error instanceof Error ? error.message : String(error) },
          { "x-simulator-bug": "true" },
        );
      }
    };
    if (options.around === undefined || isControl(request.path)) return guarded();
    return options.around(request, guarded);
  };

  const onRequest = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { request, handle } = await receive(message);
    const counted = !isControl(request.path);
    if (counted) counts.set(request.route, (counts.get(request.route) ?? 0) + 1);
    for (const waiter of waiters) {
      if (!waiter.match(request)) continue;
      waiters.delete(waiter);
      waiter.resolve(request);
    }
    const reply = await answer(request, handle);
    if (counted) {
      const { method, path, route } = request;
      recent.push({ ordinal: request.ordinal, at: now(), method, path, route, status: reply.status });
      if (recent.length > RECENT) recent = recent.slice(-RECENT);
    }
    await send(response, reply, request.method === "HEAD");
  };

  const listen = (message: IncomingMessage, response: ServerResponse): void => {
    onRequest(message, response).catch((error: unknown) => {
      bugs.push(error);
      response.destroy();
    });
  };
  const server = options.tls === undefined ? createServer(listen) : createTlsServer(options.tls, listen);
  // Longer than any client keeps an idle connection, so that the close never races with a request.
  server.keepAliveTimeout = 65_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the simulator has no TCP address");

  return {
    url: options.tls === undefined ? `http://127.0.0.1:${address.port}` : `https://localhost:${address.port}`,
    port: address.port,
    counts: () => Object.fromEntries(counts),
    recent: () => [...recent],
    bugs: () => [...bugs],
    nextRequest: (match) => new Promise((resolve, reject) => waiters.add({ match, resolve, reject })),
    forget() {
      counts = new Map();
      recent = [];
      bugs = [];
    },
    async close() {
      for (const waiter of waiters) waiter.reject(new Error("the simulator was closed"));
      waiters.clear();
      await new Promise<void>((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      });
    },
  };
}

type Waiter = {
  match: (request: SimulatorRequest) => boolean;
  resolve: (request: SimulatorRequest) => void;
  reject: (reason: Error) => void;
};

function compile(path: string): RegExp {
  const source = path
    .split("/")
    .map((part) =>
      part.startsWith(":") ? `(?<${part.slice(1)}>[^/]+)` : part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"),
    )
    .join("/");
  return new RegExp(`^${source}/?$`);
}

function decodeParams(groups: Record<string, string | undefined>): Record<string, string> {
  const params: Record<string, string> = {};
  for (const [name, value] of Object.entries(groups)) {
    if (value !== undefined) params[name] = decodePart(value);
  }
  return params;
}

function decodePart(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (error) {
    // A stray % is the caller's business: the handler sees what was sent, and does not know it.
    if (error instanceof URIError) return value;
    throw error;
  }
}

async function readBody(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of message) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    length += bytes.length;
    if (length > BODY_LIMIT) throw new Error("request body over 4 MB");
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

function parseJson(raw: string): unknown {
  if (raw === "") return undefined;
  try {
    const value: unknown = JSON.parse(raw);
    return value;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

async function send(response: ServerResponse, reply: Reply, headOnly: boolean): Promise<void> {
  if (reply.after !== undefined) await reply.after;
  // A reply that is merely late must not keep the process alive.
  if (reply.delayMs !== undefined) await pause(reply.delayMs, undefined, { ref: false });
  if (reply.wire === "hang" || response.destroyed) return;
  if (reply.wire === "cut_before") {
    response.destroy();
    return;
  }
  const body = typeof reply.body === "string" ? Buffer.from(reply.body, "utf8") : reply.body;
  const headers: Record<string, string | number> = { ...reply.headers };
  if (reply.status !== 204) headers["content-length"] = body.length;
  response.writeHead(reply.status, headers);
  if (reply.wire === "cut_midway") {
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
    return;
  }
  response.end(headOnly ? undefined : body);
}
