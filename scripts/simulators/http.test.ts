import test from "ava";
import { z } from "zod";
import { exactJson, json, startServer, text } from "./http.ts";

const routes = [
  { method: "GET", path: "/things/:id/parts/:part", handle: (request) => json(200, request.params) },
  { method: "POST", path: "/things", handle: (request) => json(201, { body: request.body ?? null }) },
  { method: "GET", path: "/half", handle: () => ({ ...text(200, "x".repeat(1_000)), wire: "cut_midway" as const }) },
  { method: "GET", path: "/gone", handle: () => ({ ...text(200, ""), wire: "cut_before" as const }) },
  {
    method: "GET",
    path: "/bug",
    handle: () => {
      throw new Error("planted");
    },
  },
  {
    method: "POST",
    path: "/control/parse",
    handle: (request) => json(200, z.object({ n: z.int() }).parse(request.body)),
  },
] satisfies Parameters<typeof startServer>[0]["routes"];

test("routes, decodes parameters, parses bodies, counts by route", async (t) => {
  const server = await startServer({ routes, controlPath: "/control" });
  t.deepEqual(await (await fetch(`${server.url}/things/a%20b/parts/2`)).json(), { id: "a b", part: "2" });
  const made = await fetch(`${server.url}/things`, { method: "POST", body: '{"n":1}' });
  t.is(made.status, 201);
  t.deepEqual(await made.json(), { body: { n: 1 } });
  t.is((await fetch(`${server.url}/nothing`)).status, 404);
  t.is((await fetch(`${server.url}/things`)).status, 404);
  t.deepEqual(server.counts(), { "GET /things/:id/parts/:part": 1, "POST /things": 1, unmatched: 2 });
  t.deepEqual(
    server.recent().map(({ ordinal, status }) => [ordinal, status]),
    [
      [1, 200],
      [2, 201],
      [3, 404],
      [4, 404],
    ],
  );
  await server.close();
});

test("a connection can die before or in the middle of the answer", async (t) => {
  const server = await startServer({ routes });
  await t.throwsAsync(fetch(`${server.url}/gone`));
  const half = await fetch(`${server.url}/half`);
  t.is(half.status, 200);
  await t.throwsAsync(half.text());
  await server.close();
});

test("a bigint is a JSON integer, exact whatever its size", (t) => {
  const value = { a: 1, b: [9007199254740993n, null], c: -5n };
  t.is(exactJson(value), '{"a":1,"b":[9007199254740993,null],"c":-5}');
});

test("a control request is not counted, and a bad one is a 400; a bug is a 500 that is remembered", async (t) => {
  const server = await startServer({ routes, controlPath: "/control", around: () => text(503, "closed") });
  const good = await fetch(`${server.url}/control/parse`, { method: "POST", body: '{"n":1}' });
  t.is(good.status, 200);
  const bad = await fetch(`${server.url}/control/parse`, { method: "POST", body: '{"n":"x"}' });
  t.is(bad.status, 400);
  t.is((await fetch(`${server.url}/things/1/parts/2`)).status, 503);
  t.deepEqual(server.counts(), { "GET /things/:id/parts/:part": 1 });
  await server.close();

  const bare = await startServer({ routes });
  t.is((await fetch(`${bare.url}/bug`)).status, 500);
  t.is(bare.bugs().length, 1);
  await bare.close();
});

test("nextRequest resolves on arrival and rejects on close", async (t) => {
  const server = await startServer({ routes });
  const seen = server.nextRequest((request) => request.path === "/things");
  await fetch(`${server.url}/things/1/parts/1`);
  await fetch(`${server.url}/things`, { method: "POST", body: "{}" });
  t.is((await seen).ordinal, 2);
  const never = t.throwsAsync(
    server.nextRequest(() => true),
    { message: /closed/ },
  );
  await server.close();
  await never;
});
