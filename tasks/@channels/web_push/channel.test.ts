import { inspect } from "node:util";
import test, { type ExecutionContext } from "ava";
import fc from "fast-check";
import webPush from "web-push";
import type { FaultKind } from "../../../scripts/simulators/faults.ts";
import {
  type PushServiceSimulatorOptions,
  type PushSubscriptionJson,
  startPushServiceSimulator,
} from "../../../scripts/simulators/push_service/simulator.ts";
import { createHttpClient } from "../../@http/client.ts";
import type { DeliveryOutcome } from "../channel.ts";
import { context, message, NOON } from "../testing/messages.ts";
import { createWebPush } from "./channel.ts";
import { MAX_PAYLOAD_BYTES, payloadWithin } from "./payload.ts";

const vapid = { ...webPush.generateVAPIDKeys(), subject: "mailto:operations@example.com" };

async function setUp(t: ExecutionContext, options: Partial<PushServiceSimulatorOptions> = {}) {
  const simulator = await startPushServiceSimulator({ seed: "tests", now: () => NOON.getTime(), ...options });
  const http = createHttpClient({ trusted: simulator.certificate });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await simulator.close();
    isOpen = false;
  };
  t.teardown(async () => {
    await close();
    await http.close();
  });
  const services = () => Promise.resolve([{ host: "localhost", port: simulator.port, name: "The simulator" }]);
  const channel = createWebPush({ http, vapid, services, deadlineMs: 60_000 });
  /** For answers that never come. Long enough to arrive on a busy machine, on a connection that stands. */
  const impatient = createWebPush({ http, vapid, services, deadlineMs: 1_500 });
  const subscribe = (online = true) => flat(simulator.subscribe({ applicationServerKey: vapid.publicKey, online }));
  return { simulator, channel, impatient, subscribe, services, http, close };
}

const flat = ({ endpoint, keys }: PushSubscriptionJson) => ({ endpoint, ...keys });

const told = ({ kind, ...rest }: DeliveryOutcome): string => ("code" in rest ? `${kind} ${rest.code}` : kind);

test("the browser opens the very text that was sent, with topic, life and urgency", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  const sent = message();
  t.deepEqual(await channel.send(sent, browser, context()), {
    kind: "delivered",
    providerMessageId: null,
    isReplay: false,
  });
  const [got] = simulator.received(browser.endpoint);
  t.like(got, { topic: sent.tag, ttlSeconds: 86_400, urgency: "high" });
  t.deepEqual(JSON.parse(got?.text ?? ""), {
    title: sent.title,
    body: sent.body,
    language: "fr",
    tag: sent.tag,
    url: sent.webUrl,
    kind: "reauth_required",
    platform: "mono",
    accountId: sent.accountId,
  });
  t.deepEqual(simulator.state().bugs, []);
});

test("sent twice around a kill, or again for the same episode, it is shown once", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  const sent = message();
  simulator.addFault({ kind: "lost_answer" });
  t.is((await channel.send(sent, browser, context())).kind, "retry");
  t.is((await channel.send(sent, browser, context())).kind, "delivered");
  await channel.send(message({ tag: sent.tag, body: "A reminder." }), browser, context());
  t.is(simulator.received(browser.endpoint).length, 3);
  t.deepEqual(simulator.shown(browser.endpoint), [
    { tag: sent.tag, title: sent.title, body: "A reminder.", url: sent.webUrl, times: 3 },
  ]);
});

test("a browser that is away gets the latest of each episode when it comes back, unless it came too late", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe(false);
  for (const [tag, body, ttlSeconds] of [
    ["one", "first", 3_600],
    ["one", "second", 3_600],
    ["two", "short-lived", 60],
    ["three", "now or never", 0],
  ] as const) {
    t.is((await channel.send(message({ tag, body, ttlSeconds }), browser, context())).kind, "delivered");
  }
  t.deepEqual(simulator.shown(browser.endpoint), []);
  simulator.moveClock({ advanceMs: 120_000 });
  simulator.setOnline(browser.endpoint, true);
  t.deepEqual(
    simulator.shown(browser.endpoint).map(({ tag, body, times }) => [tag, body, times]),
    [["one", "second", 1]],
  );
});

test("a subscription that has ended is removed, for good or unknown", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  for (const [status, code] of [
    ["gone", "http_410"],
    ["unknown", "http_404"],
  ] as const) {
    simulator.setStatus(browser.endpoint, status);
    t.like(await channel.send(message(), browser, context()), { kind: "unreachable", code, removeSubscription: true });
  }
  simulator.setStatus(browser.endpoint, "active");
  t.is((await channel.send(message(), browser, context())).kind, "delivered");
});

test("keys that the browser did not subscribe with: an operator's matter, the subscription stays", async (t) => {
  const { simulator, services, http, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  const another = { ...webPush.generateVAPIDKeys(), subject: vapid.subject };
  const stranger = createWebPush({ http, vapid: another, services });
  t.is(told(await stranger.send(message(), browser, context())), "configuration http_403");
  const forger = createWebPush({ http, vapid: { ...vapid, privateKey: another.privateKey }, services });
  t.is(told(await forger.send(message(), browser, context())), "configuration http_401");
  t.is(told(await channel.send(message(), browser, context())), "delivered");
  t.is(simulator.received(browser.endpoint).length, 1);
});

test("too large: shortened once and sent again, then refused", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  const long = message({ body: "Très long, et même plus. ".repeat(400) });
  simulator.changeSettings({ maxPayloadBytes: 1_200 });
  t.is((await channel.send(long, browser, context())).kind, "delivered");
  t.is(simulator.state().requests["POST /push/:id"], 2);
  const [shown] = simulator.shown(browser.endpoint);
  t.is(shown?.url, long.webUrl);
  t.regex(shown?.body ?? "", /^Très long, et même plus\. .*…$/);
  simulator.changeSettings({ maxPayloadBytes: 300 });
  t.is(told(await channel.send(long, browser, context())), "refused http_413");
  t.is(simulator.state().requests["POST /push/:id"], 4);
});

test("even 4,096 bytes sealed hold the longest payload, and no link is ever cut", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  t.is(told(await channel.send(message({ body: "é".repeat(9_000) }), browser, context())), "delivered");
  t.is(simulator.state().requests["POST /push/:id"], 1, "at the first attempt");
  const endless = message({ webUrl: `https://sync.example.com/${"x".repeat(3_000)}` });
  t.is(told(await channel.send(endless, browser, context())), "refused too_large");
});

test("a payload fits, whatever the text, and only its body is shorter", (t) => {
  fc.assert(
    fc.property(
      fc.string({ unit: "binary", maxLength: 3_000 }),
      fc.integer({ min: 400, max: MAX_PAYLOAD_BYTES }),
      (body, max) => {
        const sent = message({ body });
        const text = payloadWithin(max, sent);
        if (text === null || Buffer.byteLength(text) > max) return false;
        const got: unknown = JSON.parse(text);
        if (typeof got !== "object" || got === null || !("body" in got) || typeof got.body !== "string") return false;
        const isCut = got.body !== body;
        return !isCut || (got.body.endsWith("…") ? body.startsWith(got.body.slice(0, -1)) : got.body === "");
      },
    ),
    { numRuns: 300 },
  );
  t.pass();
});

const refusals: [FaultKind, string][] = [
  ["401", "configuration http_401"],
  ["403", "configuration http_403"],
  ["429", "retry rate_limited"],
  ["500", "retry http_500"],
  ["503", "retry http_503"],
  ["html", "retry http_502"],
  ["cut", "retry UND_ERR_SOCKET"],
  ["lost_answer", "retry UND_ERR_SOCKET"],
  ["hang", "retry timeout"],
  ["huge", "retry response_too_large"],
  ["empty", "delivered"],
  ["null", "delivered"],
];

for (const [kind, outcome] of refusals) {
  test(`${kind} at the push service: ${outcome}`, async (t) => {
    const { simulator, channel, impatient, subscribe } = await setUp(t);
    const browser = subscribe();
    await channel.send(message(), browser, context());
    simulator.addFault({ kind });
    t.is(told(await (kind === "hang" ? impatient : channel).send(message(), browser, context())), outcome);
    t.is(told(await channel.send(message(), browser, context())), "delivered", "and then all is well");
  });
}

for (const acceptedStatus of [200, 201, 202] as const) {
  test(`${acceptedStatus} is taken`, async (t) => {
    const { simulator, channel, subscribe } = await setUp(t);
    simulator.changeSettings({ acceptedStatus });
    t.is(told(await channel.send(message({ ttlSeconds: 1e9 }), subscribe(), context())), "delivered");
  });
}

test("Retry-After is honoured as seconds and as a date", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t, { rateLimit: { limit: 1, windowMs: 30_000 } });
  const browser = subscribe();
  t.is((await channel.send(message(), browser, context())).kind, "delivered");
  for (const [retryAfter, notBefore] of [
    ["seconds", "2026-09-30T12:00:30.000Z"],
    ["date", "2026-09-30T12:00:30.000Z"],
    ["none", null],
  ] as const) {
    simulator.changeSettings({ retryAfter });
    t.like(await channel.send(message(), browser, context()), { kind: "retry", code: "rate_limited", notBefore });
  }
  t.is(simulator.state().breaches, 3);
  simulator.setRateLimit(null);
  simulator.addFault({ kind: "429_retry_after", retryAfterSeconds: 7 });
  t.like(await channel.send(message(), browser, context()), { kind: "retry", notBefore: "2026-09-30T12:00:07.000Z" });
});

test("what the service does not like in a request is for good", async (t) => {
  const { channel, subscribe } = await setUp(t);
  // A tag over 32 characters never gets as far: web-push itself refuses to build such a request, and it is our mistake.
  await t.throwsAsync(channel.send(message({ tag: "x".repeat(33) }), subscribe(), context()), {
    message: /32 characters/,
  });
  t.is(told(await channel.send(message({ tag: "x".repeat(32) }), subscribe(), context())), "delivered");
});

test("a malformed subscription is removed, in words that do not show it, and nothing is sent", async (t) => {
  const { simulator, channel, subscribe } = await setUp(t);
  const good = subscribe();
  const offCurve = Buffer.from(good.p256dh, "base64url").fill(7, 1).toString("base64url");
  for (const [given, reason] of [
    [{ p256dh: "not base64!" }, /not base64url/],
    [{ auth: "" }, /not base64url/],
    [{ auth: "dG9vIHNob3J0" }, /16 bytes/],
    [{ p256dh: good.auth }, /uncompressed point/],
    [{ p256dh: offCurve }, /not on the curve/],
  ] as const) {
    const outcome = await channel.send(message(), { ...good, ...given }, context());
    t.like(outcome, { kind: "unreachable", code: "malformed_subscription", removeSubscription: true });
    t.regex("reason" in outcome ? outcome.reason : "", reason);
  }
  t.deepEqual(simulator.state().requests, {});
  t.is(told(await channel.send(message(), good, context())), "delivered");
});

test("nothing is ever sent to an address outside the list, and the subscription stays", async (t) => {
  const { simulator, http, subscribe } = await setUp(t);
  const none = createWebPush({ http, vapid, services: () => Promise.resolve([]) });
  const browser = subscribe();
  t.is(told(await none.send(message(), browser, context())), "refused endpoint_not_allowed");
  const channel = createWebPush({
    http,
    vapid,
    services: () => Promise.resolve([{ host: "localhost", port: simulator.port + 1, name: "another" }]),
  });
  for (const endpoint of [browser.endpoint, browser.endpoint.replace("localhost", "127.0.0.1"), "not a URL"]) {
    t.is(told(await channel.send(message(), { ...browser, endpoint }, context())), "refused endpoint_not_allowed");
  }
  t.deepEqual(simulator.state().requests, {});
});

test("a service whose certificate nobody vouches for is not talked to", async (t) => {
  const { simulator, services, subscribe } = await setUp(t);
  const http = createHttpClient();
  t.teardown(() => http.close());
  const channel = createWebPush({ http, vapid, services });
  t.is((await channel.send(message(), subscribe(), context())).kind, "retry");
  t.deepEqual(simulator.state().requests, {});
});

test("our own stop, and nobody listening, are retries", async (t) => {
  const { close, channel, subscribe } = await setUp(t);
  const browser = subscribe();
  t.is(told(await channel.send(message(), browser, context(AbortSignal.abort()))), "retry interrupted");
  await close();
  t.is(told(await channel.send(message(), browser, context())), "retry ECONNREFUSED");
});

test("no outcome shows the address, a key or the text, whatever happens", async (t) => {
  const { simulator, channel, impatient, subscribe } = await setUp(t);
  const browser = subscribe();
  const sent = message();
  const secrets = [
    browser.endpoint.slice(-32),
    browser.p256dh,
    browser.auth,
    vapid.privateKey,
    sent.title,
    sent.body,
    sent.userId,
    "t=abc",
  ];
  const outcomes: DeliveryOutcome[] = [];
  for (const kind of ["401", "403", "429", "500", "503", "html", "cut", "lost_answer", "cut_midway", "huge"] as const) {
    simulator.addFault({ kind });
    outcomes.push(await channel.send(sent, browser, context()));
  }
  outcomes.push(await channel.send(sent, { ...browser, auth: "x" }, context()));
  outcomes.push(await channel.send(sent, { ...browser, endpoint: `https://example.com/${browser.auth}` }, context()));
  simulator.setStatus(browser.endpoint, "gone");
  outcomes.push(await channel.send(sent, browser, context()));
  simulator.addFault({ kind: "hang" });
  outcomes.push(await impatient.send(sent, browser, context()));
  const shown = inspect(outcomes, { depth: 9, showHidden: true });
  for (const secret of secrets) t.false(shown.includes(secret), secret);
});
