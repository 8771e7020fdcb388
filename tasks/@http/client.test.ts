import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import test, { type ExecutionContext } from "ava";
import { z } from "zod";
import { createHttpClient, type HttpClientOptions, type HttpRequest, urlUnder } from "./client.ts";
import {
  InsecureUrlError,
  NetworkError,
  NotJsonError,
  RequestAbortedError,
  RequestTimeoutError,
  ResponseTooLargeError,
  UnexpectedShapeError,
} from "./errors.ts";
import type { Exchange } from "./exchange.ts";
import { parseReply } from "./parse_reply.ts";

const never = new AbortController().signal;

async function setUp(t: ExecutionContext, listener: RequestListener, options: HttpClientOptions = {}) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (!isAddress(address)) throw new TypeError("the server listens on no port");
  const http = createHttpClient(options);
  t.teardown(async () => {
    server.closeAllConnections();
    await http.close();
    await new Promise((resolve) => void server.close(resolve));
  });
  const base = `http://127.0.0.1:${address.port}`;
  const send = (extra: Partial<HttpRequest> & { path?: string } = {}) => {
    const { path = "/", ...rest } = extra;
    return http.send({
      operation: "do it",
      method: "GET",
      url: urlUnder(base, path),
      call: { signal: never },
      deadlineMs: 5_000,
      ...rest,
    });
  };
  return { send, base, server };
}

function isAddress(address: string | AddressInfo | null): address is AddressInfo {
  return typeof address === "object" && address !== null;
}

const answer =
  (body: string | Buffer, status = 200, headers: Record<string, string> = {}): RequestListener =>
  (_request, response) => {
    response.writeHead(status, headers).end(body);
  };

test("sends what it is told and reads status, headers and body", async (t) => {
  const seen: unknown[] = [];
  const { send } = await setUp(t, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method, url, headers } = request;
      seen.push([method, url, headers["content-type"], headers["x-key"], Buffer.concat(chunks).toString()]);
      response.writeHead(201, { "X-Job-Id": "j1", "set-cookie": ["a=1", "b=2"] }).end('{"a": 1.50}');
    });
  });
  const reply = await send({ path: "/v2/x", method: "POST", json: { b: 2 }, headers: { "x-key": "k" } });
  t.is(reply.status, 201);
  t.is(reply.headers.get("x-job-id"), "j1");
  t.is(reply.headers.get("set-cookie"), "a=1");
  t.deepEqual(reply.body, { kind: "json", value: { a: "1.50" } });
  await send({ method: "POST", form: { c: "d e" } });
  await send({ method: "POST" });
  t.deepEqual(seen, [
    ["POST", "/v2/x", "application/json", "k", '{"b":2}'],
    ["POST", "/", "application/x-www-form-urlencoded", undefined, "c=d+e"],
    ["POST", "/", undefined, undefined, ""],
  ]);
});

test("each request is counted as it is sent, answered or not", async (t) => {
  const { send } = await setUp(t, (request) => void request.socket.destroy());
  let sent = 0;
  const call = { signal: never, permit: () => Promise.resolve(void (sent += 1)) };
  await t.throwsAsync(send({ call }), { instanceOf: NetworkError });
  await t.throwsAsync(send({ call }), { instanceOf: NetworkError });
  t.is(sent, 2);
});

test("bodies that are no JSON are told apart, whatever their content type says", async (t) => {
  const cases: [string | Buffer, string][] = [
    ["", "empty"],
    [" \n", "empty"],
    ["null", "null"],
    ["<!doctype html><p>Bad gateway", "html"],
    ["{oops", "malformed"],
    ["Service unavailable", "malformed"],
    [Buffer.from([0x22, 0xff, 0xfe, 0x22]), "malformed"],
  ];
  for (const [body, kind] of cases) {
    const { send } = await setUp(t, answer(body, 502, { "content-type": "application/json" }));
    t.deepEqual((await send()).body, { kind }, kind);
  }
});

test("redirects are not followed: a key goes nowhere else", async (t) => {
  let requests = 0;
  const { send } = await setUp(t, (_request, response) => {
    requests += 1;
    response.writeHead(302, { location: "/elsewhere" }).end();
  });
  t.is((await send()).status, 302);
  t.is(requests, 1);
});

test("connections are kept from request to request", async (t) => {
  const { send, server } = await setUp(t, answer("{}"));
  let connections = 0;
  server.on("connection", () => void (connections += 1));
  for (let i = 0; i < 20; i += 1) await send();
  // undici opens a second one when the next request comes in the tick in which the last answer ended.
  t.true(connections <= 2, `${connections} connections`);
});

test("a body over the limit is not read on, announced or not", async (t) => {
  const chunk = Buffer.alloc(64 * 1024, 0x20);
  const total = 30 * 1024 * 1024;
  for (const announced of [true, false]) {
    let sent = 0;
    const gone = Promise.withResolvers<void>();
    const { send } = await setUp(
      t,
      (_request, response) => {
        response.writeHead(200, announced ? { "content-length": String(total) } : {});
        response.on("close", gone.resolve);
        const write = () => {
          while (sent < total && !response.destroyed) {
            sent += chunk.length;
            if (!response.write(chunk)) return void response.once("drain", write);
          }
          response.end();
        };
        write();
      },
      { maxResponseBytes: 256 * 1024 },
    );
    await t.throwsAsync(send(), { instanceOf: ResponseTooLargeError });
    await gone.promise;
    t.true(sent < total / 2, `${sent} bytes were sent`);
  }
});

test("a body of exactly the limit is read", async (t) => {
  const { send } = await setUp(t, answer(JSON.stringify("x".repeat(98))), { maxResponseBytes: 100 });
  t.is((await send()).body.kind, "json");
});

test("no answer, half an answer, an answer drop by drop: the deadline ends them all", async (t) => {
  const listeners: RequestListener[] = [
    () => undefined,
    (_request, response) => response.writeHead(200).flushHeaders(),
    (_request, response) => void response.writeHead(200).write('{"a":'),
  ];
  for (const listener of listeners) {
    const { send } = await setUp(t, listener);
    const error = await t.throwsAsync(send({ deadlineMs: 60 }), { instanceOf: RequestTimeoutError });
    t.is(error?.message, "do it: no complete answer within 60 ms");
  }
});

test("our own stop is no time-out, before, during, and while the body comes", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const { send } = await setUp(t, (_request, response) => {
    response.writeHead(200).write('{"a":');
    arrived.resolve();
  });
  await t.throwsAsync(send({ call: { signal: AbortSignal.abort() } }), { instanceOf: RequestAbortedError });
  const stop = new AbortController();
  const sent = send({ call: { signal: stop.signal } });
  await arrived.promise;
  stop.abort(new Error("the worker stops"));
  await t.throwsAsync(sent, { instanceOf: RequestAbortedError });
});

test("a broken connection was reached, a closed port was not", async (t) => {
  for (const listener of [
    ((request) => void request.socket.destroy()) satisfies RequestListener,
    ((_request, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      response.socket?.end();
    }) satisfies RequestListener,
  ]) {
    const { send } = await setUp(t, listener);
    const error = await t.throwsAsync(send(), { instanceOf: NetworkError });
    t.true(error instanceof NetworkError && error.reached);
  }
  const { send, server } = await setUp(t, answer("{}"));
  await new Promise((resolve) => void server.close(resolve));
  const error = await t.throwsAsync(send(), { instanceOf: NetworkError });
  t.true(error instanceof NetworkError && !error.reached && error.code === "ECONNREFUSED");
});

test("TLS is spoken, and a server without it is no provider", async (t) => {
  const { send, base } = await setUp(t, answer("{}"));
  const url = new URL(base.replace("http:", "https:"));
  const error = await t.throwsAsync(send({ url }), { instanceOf: NetworkError });
  t.true(error instanceof NetworkError && !error.reached, error?.message);
});

test("no error shows a header, a body or a query", async (t) => {
  const listeners: RequestListener[] = [
    () => undefined,
    (request) => void request.socket.destroy(),
    answer("x".repeat(200)),
  ];
  for (const listener of listeners) {
    const { send, base } = await setUp(t, listener, { maxResponseBytes: 100 });
    const error = await t.throwsAsync(
      send({
        url: urlUnder(base, "/p", { q: "s3cret" }),
        headers: { authorization: "Bearer s3cret" },
        method: "POST",
        json: { key: "s3cret" },
        deadlineMs: 60,
      }),
    );
    t.false(inspect(error, { depth: 9, showHidden: true }).includes("s3cret"), error?.name);
  }
});

test("URLs go under the base's own path", (t) => {
  t.is(urlUnder("https://api.example.com", "/v2/a", { b: "c d" }).href, "https://api.example.com/v2/a?b=c+d");
  t.is(urlUnder("https://example.com/mono/?x=1#y", "/v2/a/").href, "https://example.com/mono/v2/a/");
  t.is(urlUnder("http://127.0.0.1:8080", "").href, "http://127.0.0.1:8080/");
  t.is(urlUnder("http://localhost:8080", "/a").href, "http://localhost:8080/a");
});

test("bases without TLS, with credentials, or that are no URL are refused, unshown", (t) => {
  for (const base of [
    "http://api.example.com",
    "http://127.0.0.1.example.com",
    "ftp://example.com",
    "https://u:s3cret@example.com",
    "api.example.com/s3cret",
    "",
  ]) {
    const error = t.throws(() => urlUnder(base, "/"), { instanceOf: InsecureUrlError }, base);
    t.false(error?.message.includes("s3cret"));
  }
});

test("a reply is parsed, or told where it is wrong without its values", (t) => {
  const reply = { operation: "do it", status: 200, headers: new Map<string, string>() };
  const schema = z.object({ a: z.array(z.object({ n: z.number() })) });
  t.deepEqual(parseReply({ ...reply, body: { kind: "json", value: { a: [{ n: 1 }] } } }, schema), { a: [{ n: 1 }] });
  const error = t.throws(
    () => parseReply({ ...reply, body: { kind: "json", value: { a: [{ n: "0131883461" }] } } }, schema),
    { instanceOf: UnexpectedShapeError },
  );
  t.is(error?.message, "do it: unexpected shape (a.0.n: invalid_type)");
  for (const kind of ["empty", "null", "html", "malformed"] as const) {
    t.throws(() => parseReply({ ...reply, body: { kind } }, schema), { instanceOf: NotJsonError });
  }
});

test("whoever asked is told how each request ended, and nothing of what was said", async (t) => {
  const exchanges: Exchange[] = [];
  const call = { signal: never, told: (exchange: Exchange) => void exchanges.push(exchange) };
  const { send, server } = await setUp(
    t,
    (request, response) => {
      if (request.url === "/cut") request.socket.destroy();
      else if (request.url === "/large") response.end("x".repeat(2_000));
      else if (request.url !== "/hang") response.writeHead(request.url === "/no" ? 503 : 200).end("{}");
    },
    { maxResponseBytes: 1_000 },
  );
  await send({ call });
  await send({ call, path: "/no" });
  await t.throwsAsync(() => send({ call, path: "/cut" }), { instanceOf: NetworkError });
  await t.throwsAsync(() => send({ call, path: "/large" }), { instanceOf: ResponseTooLargeError });
  await t.throwsAsync(() => send({ call, path: "/hang", deadlineMs: 20 }), { instanceOf: RequestTimeoutError });
  const stop = new AbortController();
  server.once("request", () => stop.abort());
  await t.throwsAsync(() => send({ path: "/hang", call: { ...call, signal: stop.signal } }), {
    instanceOf: RequestAbortedError,
  });
  await t.throwsAsync(() => send({ call, url: new URL("http://127.0.0.1:1/") }), { instanceOf: NetworkError });
  t.deepEqual(
    exchanges.map(({ status }) => status),
    [200, 503, "broken", "too_large", "timeout", "aborted", "unreachable"],
  );
  for (const exchange of exchanges) {
    t.deepEqual(Object.keys(exchange).toSorted(), ["milliseconds", "operation", "status"]);
    t.true(exchange.milliseconds >= 0);
  }
});
