import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test, { type ExecutionContext } from "ava";
import { Agent, request } from "undici";
import { type OneSignalSimulator, type OneSignalSimulatorOptions, startOneSignalSimulator } from "./simulator.ts";

const NOON = Date.parse("2026-09-30T12:00:00Z");
const KEY = "8c2d2f2e-6f39-4a0e-9d8b-0a6d0f1d5b11";

async function start(t: ExecutionContext, options: Partial<OneSignalSimulatorOptions> = {}) {
  const simulator = await startOneSignalSimulator({ seed: "tests", now: () => NOON, ...options });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await simulator.close();
    isOpen = false;
  };
  t.teardown(close);
  return { simulator, close };
}

async function call(url: string, method: "GET" | "POST" | "PUT" | "PATCH", body?: unknown, authorization?: string) {
  const dispatcher = new Agent();
  const answer = await request(url, {
    method,
    headers: { "content-type": "application/json", ...(authorization === undefined ? {} : { authorization }) },
    body: body === undefined ? null : JSON.stringify(body),
    dispatcher,
  });
  const json: unknown = await answer.body.json();
  await dispatcher.close();
  return { status: answer.statusCode, headers: answer.headers, json };
}

const wellFormed = ({ appId }: OneSignalSimulator) => ({
  app_id: appId,
  include_aliases: { external_id: ["ada"] },
  target_channel: "push",
  contents: { en: "12 new transactions" },
  idempotency_key: KEY,
});

const post = (simulator: OneSignalSimulator, given: Record<string, unknown> = {}, authorization?: string) =>
  call(
    `${simulator.url}/notifications`,
    "POST",
    { ...wellFormed(simulator), ...given },
    authorization ?? `Key ${simulator.apiKey}`,
  );

test("a key is answered as it was the first time, also after a restart, and without one everybody is told again", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "onesignal-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const statePath = join(folder, "state.jsonl");
  const first = await start(t, { statePath });
  first.simulator.putUser("ada");
  const told = await post(first.simulator);
  t.is(told.headers["idempotent-replayed"], undefined);
  await first.close();

  const { simulator } = await start(t, { statePath });
  const again = await post(simulator, { contents: { en: "another text" } });
  t.deepEqual(again.json, told.json);
  t.is(again.headers["idempotent-replayed"], "true");
  t.deepEqual(simulator.keyCount(KEY), { created: 1, replayed: 1 });
  t.deepEqual(
    simulator.received("ada").map(({ contents }) => contents["en"]),
    ["12 new transactions"],
  );
  await post(simulator, { idempotency_key: undefined });
  await post(simulator, { idempotency_key: undefined });
  t.is(simulator.received("ada").length, 3);
});

test("a refusal of a key is replayed as well: nobody is told later by chance", async (t) => {
  const { simulator } = await start(t);
  const refused = await post(simulator);
  t.deepEqual(refused.json, { id: "", errors: { invalid_aliases: { external_id: ["ada"] } } });
  simulator.putUser("ada");
  t.deepEqual((await post(simulator)).json, refused.json);
  t.deepEqual(simulator.received("ada"), []);
});

const mistakes: [string, Record<string, unknown>][] = [
  ["no app", { app_id: undefined }],
  ["another app", { app_id: "5eb5a37e-b458-11e3-ac11-000c2940e62c" }],
  ["no target", { include_aliases: undefined }],
  ["two targets", { included_segments: ["All"] }],
  ["aliases without a channel", { target_channel: undefined }],
  ["no English", { contents: { fr: "12 nouvelles" } }],
  ["url and web_url", { url: "https://example.com", web_url: "https://example.com" }],
  ["a key that is no UUID", { idempotency_key: "once" }],
  ["too long a collapse_id", { collapse_id: "x".repeat(65) }],
  ["too long a life", { ttl: 2_419_201 }],
  ["too much data", { data: { x: "x".repeat(2_048) } }],
];

for (const [title, given] of mistakes) {
  test(`${title}: 400 in OneSignal's shape`, async (t) => {
    const { simulator } = await start(t);
    simulator.putUser("ada");
    const { status, json } = await post(simulator, given);
    t.is(status, 400);
    t.true(typeof json === "object" && json !== null && "errors" in json && Array.isArray(json.errors));
    t.is((await post(simulator)).status, 200, "control");
  });
}

test("another key, and the legacy scheme, are refused", async (t) => {
  const { simulator } = await start(t);
  for (const authorization of ["Key another", `Basic ${simulator.apiKey}`, `Bearer ${simulator.apiKey}`]) {
    t.is((await post(simulator, {}, authorization)).status, 403, authorization);
  }
});

test("over HTTP: people, faults, limits and what was sent", async (t) => {
  const { simulator } = await start(t);
  const control = (method: "GET" | "POST" | "PUT", path: string, body?: unknown) =>
    call(`${simulator.url}/control${path}`, method, body);
  await control("PUT", "/users/ada", { subscribed: true });
  await control("POST", "/faults", { kind: "503" });
  t.is((await post(simulator)).status, 503);
  await control("POST", "/rate-limit", { limit: 1, windowMs: 60_000 });
  t.is((await post(simulator)).status, 429);
  t.is(simulator.state().breaches, 1);
  await control("POST", "/rate-limit", null);
  t.is((await post(simulator)).status, 200);
  t.like((await control("GET", "/users/ada/received")).json, [{ contents: { en: "12 new transactions" } }]);
  t.is((await control("GET", "/users/eve")).status, 404);
  t.is((await control("PUT", "/users/eve", { subscribed: "yes" })).status, 400);
  await control("POST", "/clock", { advanceMs: 60_000 });
  t.like((await control("GET", "/state")).json, { now: "2026-09-30T12:01:00.000Z", notifications: 1 });
  await control("POST", "/reset");
  t.deepEqual(simulator.notifications(), []);
});
