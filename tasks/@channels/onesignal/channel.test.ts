import { randomUUID } from "node:crypto";
import { inspect } from "node:util";
import test, { type ExecutionContext } from "ava";
import type { FaultKind } from "../../../scripts/simulators/faults.ts";
import {
  type OneSignalSimulatorOptions,
  startOneSignalSimulator,
} from "../../../scripts/simulators/onesignal/simulator.ts";
import { createHttpClient } from "../../@http/client.ts";
import { InsecureUrlError } from "../../@http/errors.ts";
import { startStubServer, type StubReply } from "../../@http/testing/stub_server.ts";
import type { DeliveryOutcome } from "../channel.ts";
import { context, message, NOON } from "../testing/messages.ts";
import { createOneSignal, type OneSignalChannel } from "./channel.ts";

async function setUp(t: ExecutionContext, options: Partial<OneSignalSimulatorOptions> = {}) {
  const simulator = await startOneSignalSimulator({
    seed: "tests",
    now: () => NOON.getTime(),
    rateLimit: null,
    ...options,
  });
  const http = createHttpClient();
  t.teardown(async () => {
    await simulator.close();
    await http.close();
  });
  const { url: baseUrl, appId, apiKey } = simulator;
  const channel = createOneSignal({ http, baseUrl, appId, apiKey, deadlineMs: 60_000 });
  /** For answers that never come. */
  const impatient = createOneSignal({ http, baseUrl, appId, apiKey, deadlineMs: 1_500 });
  return { simulator, channel, impatient, http };
}

/** A channel to a server that answers one thing only. */
async function answering(t: ExecutionContext, reply: StubReply) {
  const server = await startStubServer(() => reply);
  const http = createHttpClient();
  t.teardown(async () => {
    await server.close();
    await http.close();
  });
  const deadlineMs = reply === "hang" ? 300 : 60_000;
  return { server, channel: createOneSignal({ http, baseUrl: server.url, appId: APP, apiKey: KEY, deadlineMs }) };
}

const APP = "5eb5a37e-b458-11e3-ac11-000c2940e62c";
const KEY = "os_v2_app_canary0key0canary";
const USER = "0f8fad5b-d9cb-469f-a165-70867728950e";

const told = ({ kind, ...rest }: DeliveryOutcome): string => ("code" in rest ? `${kind} ${rest.code}` : kind);

test("the user's devices get the very text, once, in the user's language and in English's place", async (t) => {
  const { simulator, channel } = await setUp(t);
  const sent = message();
  simulator.putUser(sent.userId);
  const outcome = await channel.send(sent, context());
  const [got, ...more] = simulator.received(sent.userId);
  t.deepEqual(more, []);
  t.deepEqual(outcome, { kind: "delivered", providerMessageId: got?.id, isReplay: false });
  t.like(got, {
    key: sent.idempotencyKey,
    recipients: [sent.userId],
    headings: { en: sent.title, fr: sent.title },
    contents: { en: sent.body, fr: sent.body },
    url: null,
    appUrl: sent.appUrl,
    webUrl: sent.webUrl,
    collapseId: sent.tag,
    webPushTopic: sent.tag,
    ttl: 86_400,
    priority: 10,
    data: { kind: "reauth_required", platform: "mono", accountId: sent.accountId, tag: sent.tag },
  });
});

test("a message without links, of a platform, long-lived and of little urgency", async (t) => {
  const { simulator, channel } = await setUp(t);
  const sent = message({
    appUrl: null,
    webUrl: null,
    accountId: null,
    language: "en",
    urgency: "low",
    ttlSeconds: 1e9,
  });
  simulator.putUser(sent.userId);
  t.is((await channel.send(sent, context())).kind, "delivered");
  const [got] = simulator.received(sent.userId);
  t.like(got, { appUrl: null, webUrl: null, ttl: 2_419_200, priority: 5, contents: { en: sent.body } });
});

test("whatever went wrong on the way, the same key tells once", async (t) => {
  const { simulator, channel, impatient } = await setUp(t);
  const sent = message();
  simulator.putUser(sent.userId);
  const kinds: FaultKind[] = ["503", "lost_answer", "cut_midway", "empty", "html", "hang", "malformed", "500", "429"];
  for (const kind of kinds) {
    simulator.addFault({ kind });
    t.is((await (kind === "hang" ? impatient : channel).send(sent, context())).kind, "retry", kind);
  }
  t.like(await channel.send(sent, context()), { kind: "delivered", isReplay: true });
  t.is(simulator.received(sent.userId).length, 1);
  t.like(simulator.keyCount(sent.idempotencyKey), { created: 1 });
  t.deepEqual(simulator.state().faults.pending, []);
  simulator.moveClock({ advanceMs: 31 * 24 * 3_600_000 });
  t.like(await channel.send(sent, context()), { kind: "delivered", isReplay: false }, "a key lives for 30 days");
  t.is(simulator.keyCount(sent.idempotencyKey).created, 2);
});

test("nobody there: unsubscribed, unknown in both of its shapes, and known again later", async (t) => {
  const { simulator, channel } = await setUp(t);
  const userId = randomUUID();
  t.is(told(await channel.send(message({ userId }), context())), "unreachable unknown_alias");
  simulator.changeSettings({ unknownAliases: "array" });
  t.is(told(await channel.send(message({ userId }), context())), "unreachable not_subscribed");
  simulator.putUser(userId, { subscribed: false });
  t.is(told(await channel.send(message({ userId }), context())), "unreachable not_subscribed");
  t.deepEqual(simulator.notifications(), []);
  simulator.putUser(userId);
  t.is(told(await channel.send(message({ userId }), context())), "delivered");
});

test("another key than OneSignal's, or another app: an operator's matter", async (t) => {
  const { simulator, channel, http } = await setUp(t);
  const sent = message();
  simulator.putUser(sent.userId);
  const { apiKey } = simulator;
  for (const refusedKey of [401, 403] as const) {
    simulator.changeSettings({ refusedKey });
    simulator.setKey("another");
    t.is(told(await channel.send(sent, context())), `configuration http_${refusedKey}`);
    simulator.setKey(apiKey);
  }
  const elsewhere = createOneSignal({ http, baseUrl: simulator.url, appId: APP, apiKey });
  t.is(told(await elsewhere.send(sent, context())), "configuration http_400");
  const nowhere = createOneSignal({ http, baseUrl: `${simulator.url}/api/v9`, appId: simulator.appId, apiKey });
  t.is(told(await nowhere.send(sent, context())), "configuration http_404");
  t.is(told(await channel.send(sent, context())), "delivered");
});

test("over its limit it says when to come back, and is not asked again before", async (t) => {
  const { simulator, channel } = await setUp(t, { rateLimit: { limit: 1, windowMs: 30_000 } });
  const sent = message();
  simulator.putUser(sent.userId);
  t.is((await channel.send(sent, context())).kind, "delivered");
  t.deepEqual(await channel.send(sent, context()), {
    kind: "retry",
    notBefore: "2026-09-30T12:00:30.000Z",
    code: "rate_limited",
    reason: "OneSignal asks for fewer requests.",
  });
  t.is(simulator.state().breaches, 1);
  simulator.changeSettings({ retryAfter: false });
  t.like(await channel.send(sent, context()), { kind: "retry", notBefore: null });
});

test("what the simulator objects to in a message, the channel never sends", async (t) => {
  const { simulator, channel } = await setUp(t);
  for (const sent of [message({ tag: "x".repeat(32) }), message({ language: "en" }), message({ ttlSeconds: 0 })]) {
    simulator.putUser(sent.userId);
    t.is(told(await channel.send(sent, context())), "delivered");
  }
  t.deepEqual(simulator.state().bugs, []);
});

const id = "b98881cc-1e94-4366-bbd9-db8f3429292b";
const replies: [reply: StubReply, outcome: string][] = [
  [{ json: { id, external_id: null } }, "delivered"],
  [{ json: { id, errors: [] } }, "delivered"],
  [{ json: { id, errors: { invalid_aliases: { external_id: ["somebody-else"] } } } }, "delivered"],
  [{ json: { id, errors: { invalid_aliases: { external_id: [USER] } } } }, "unreachable unknown_alias"],
  [{ json: { id: "", errors: { invalid_aliases: { external_id: [USER] } } } }, "unreachable unknown_alias"],
  [{ json: { id: "", errors: ["All included players are not subscribed"] } }, "unreachable not_subscribed"],
  [{ json: { id: "", recipients: 0 } }, "unreachable not_subscribed"],
  [{ json: { errors: ["All included players are not subscribed"] } }, "unreachable not_subscribed"],
  [{ json: { id: null, errors: ["Something else"] } }, "refused http_200"],
  [{ json: { id: "", errors: [{ code: "x", title: "Something else" }] } }, "refused http_200"],
  [{ json: { ok: true } }, "retry unexpected_shape"],
  [{ json: [] }, "retry unexpected_shape"],
  [{ json: { id: 7 } }, "retry unexpected_shape"],
  [{ body: "null" }, "retry not_json_null"],
  [{ body: "" }, "retry not_json_empty"],
  [
    {
      status: 400,
      json: { errors: ["You must include which players, segments, or tags you wish to send this notification to."] },
    },
    "refused http_400",
  ],
  [{ status: 400, json: { success: false, errors: ["No users with this alias"] } }, "unreachable unknown_alias"],
  [
    {
      status: 400,
      json: { errors: ["app_id not found. You may be missing a Content-Type: application/json header."] },
    },
    "configuration http_400",
  ],
  [{ status: 400, body: "" }, "refused http_400"],
  [{ status: 413, body: "<html>" }, "refused http_413"],
  [{ status: 401, json: { errors: ["Access denied."] } }, "configuration http_401"],
  [{ status: 403, body: "<html>" }, "configuration http_403"],
  [{ status: 404, body: "<html>" }, "configuration http_404"],
  [{ status: 301, headers: { location: "https://example.com/" } }, "configuration http_301"],
  [{ status: 408 }, "retry http_408"],
  [{ status: 429, json: { errors: ["API rate limit exceeded."] } }, "retry rate_limited"],
  [{ status: 503, json: { errors: ["Service temporarily unavailable"] } }, "retry http_503"],
  [{ status: 503 }, "retry http_503"],
  [{ status: 502, body: "<html>bad gateway" }, "retry http_502"],
  ["hang", "retry timeout"],
  ["cut", "retry UND_ERR_SOCKET"],
];

for (const [reply, outcome] of replies) {
  test(`OneSignal answers ${JSON.stringify(reply)}: ${outcome}`, async (t) => {
    const { server, channel } = await answering(t, reply);
    t.is(told(await channel.send(message({ userId: USER }), context())), outcome);
    t.is(server.requests.length, 1, "when to try again is the database's decision");
    t.is(server.requests[0]?.headers.authorization, `Key ${KEY}`);
  });
}

test("Retry-After is read from seconds and from dates, and only where it is one", async (t) => {
  for (const [header, notBefore] of [
    ["120", "2026-09-30T12:02:00.000Z"],
    ["Wed, 30 Sep 2026 12:00:10 GMT", "2026-09-30T12:00:10.000Z"],
    ["soon", null],
  ] as const) {
    for (const status of [429, 503]) {
      const { channel } = await answering(t, { status, headers: { "retry-after": header } });
      t.like(await channel.send(message(), context()), { kind: "retry", notBefore }, header);
    }
  }
});

test("our own stop is told apart, and nobody listening is a retry as well", async (t) => {
  const { channel, server } = await answering(t, "hang");
  t.is(told(await channel.send(message(), context(AbortSignal.abort()))), "retry interrupted");
  await server.close();
  t.is(told(await channel.send(message(), context())), "retry ECONNREFUSED");
});

test("the state of a user's accounts becomes tags, and leaves them", async (t) => {
  const { simulator, channel } = await setUp(t);
  const userId = randomUUID();
  const mirror = (tags: Parameters<OneSignalChannel["mirrorTags"]>[1]) => channel.mirrorTags(userId, tags, context());
  t.is(told(await mirror({ mono: "active", mtn_momo: null })), "unreachable unknown_alias");
  simulator.putUser(userId);
  t.is(told(await mirror({ mono: "auth_required", mtn_momo: "active" })), "delivered");
  t.deepEqual(simulator.user(userId).tags, { mono_sync_status: "auth_required", mtn_momo_sync_status: "active" });
  t.is(told(await mirror({ mono: "active", mtn_momo: null })), "delivered");
  t.deepEqual(simulator.user(userId).tags, { mono_sync_status: "active" });
  simulator.addFault({ kind: "503" });
  t.is(told(await mirror({ mono: "error", mtn_momo: null })), "retry http_503");
});

test("no outcome and no error shows a key or a person, whatever OneSignal says", async (t) => {
  const sent = message({ userId: USER, webUrl: "https://sync.example.com/acc/reauth?t=eyJhIjoxfQ.c2lnbmF0dXJl1" });
  const canaries = ["Épargne", "Mono ne peut plus", USER, KEY, "ada@example.com", "eyJhIjoxfQ.c2lnbmF0dXJl1"];
  const words = `${sent.title} ${sent.body} ${canaries.slice(2).join(" ")} ${sent.webUrl} rejected`;
  for (const reply of [
    ...[200, 400, 401, 404, 422, 429, 503].flatMap((status): StubReply[] => [
      { status, json: { errors: [words] } },
      { status, json: { errors: { [words]: { external_id: [USER] } } } },
      { status, body: words },
    ]),
    { json: { id: words } },
    "cut",
    "hang",
  ] satisfies StubReply[]) {
    const { channel } = await answering(t, reply);
    const outcome = inspect(await channel.send(sent, context()), { depth: 9 });
    for (const canary of canaries) t.false(outcome.includes(canary), outcome);
  }
});

test("a base address without TLS is refused at once", async (t) => {
  const http = createHttpClient();
  t.teardown(() => http.close());
  t.throws(() => createOneSignal({ http, baseUrl: "http://api.onesignal.com", appId: APP, apiKey: KEY }), {
    instanceOf: InsecureUrlError,
  });
});
