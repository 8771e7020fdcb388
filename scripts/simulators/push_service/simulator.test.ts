import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { X509Certificate } from "node:crypto";
import test, { type ExecutionContext } from "ava";
import { Agent, request } from "undici";
import webPush from "web-push";
import { openMessage } from "./open_message.ts";
import { type PushServiceSimulatorOptions, startPushServiceSimulator } from "./simulator.ts";
import { checkVapid } from "./vapid.ts";

async function start(t: ExecutionContext, options: Partial<PushServiceSimulatorOptions> = {}) {
  const simulator = await startPushServiceSimulator({ seed: "tests", ...options });
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await simulator.close();
    isOpen = false;
  };
  t.teardown(close);
  const dispatcher = new Agent({ connect: { ca: simulator.certificate } });
  t.teardown(() => dispatcher.close());
  const call = async (
    url: string,
    options_: { method?: "GET" | "POST"; headers?: Record<string, string>; body?: string | Buffer },
  ) => {
    const answer = await request(url, { method: "POST", dispatcher, ...options_ });
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
  };
  return { simulator, close, call };
}

const vapidDetails = { ...webPush.generateVAPIDKeys(), subject: "https://example.com/contact" };
const payload = JSON.stringify({ title: "Hello", body: "World", tag: "t" });

test("the example of RFC 8291 opens", (t) => {
  const body = Buffer.from(
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
    "base64url",
  );
  const keys = {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
    privateKey: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
  };
  t.is(openMessage(body, keys), "When I grow up, I want to be a watermelon");
  for (const at of [0, 20, 60, body.length - 1]) {
    const spoilt = Buffer.from(body);
    spoilt[at] = (spoilt[at] ?? 0) ^ 1;
    t.is(openMessage(spoilt, keys), null, `byte ${at}`);
  }
  t.is(openMessage(body, { ...keys, auth: "AAAAAAAAAAAAAAAAAAAAAA" }), null);
  t.is(openMessage(Buffer.alloc(0), keys), null);
});

test("a sender says who it is, to whom it speaks and for how long", async (t) => {
  const { publicKey, privateKey, subject } = vapidDetails;
  const header = (audience: string, about = subject, expiration?: number) =>
    webPush.getVapidHeaders(audience, about, publicKey, privateKey, "aes128gcm", expiration).Authorization;
  const here = "https://localhost:1";
  t.deepEqual(await checkVapid(header(here), here, publicKey), { publicKey });
  t.deepEqual(await checkVapid(header(here), here, null), { publicKey });
  t.like(await checkVapid(header("https://localhost:2"), here, publicKey), { status: 401 });
  t.like(await checkVapid(header(here, subject, Math.floor(Date.now() / 1000) - 60), here, publicKey), { status: 401 });
  t.like(await checkVapid(undefined, here, publicKey), { status: 401 });
  t.like(await checkVapid(header(here).replace("vapid", "WebPush"), here, publicKey), { status: 401 });
  const another = webPush.generateVAPIDKeys();
  t.like(await checkVapid(header(here).replace(publicKey, another.publicKey), here, null), { status: 401 });
  t.like(await checkVapid(header(here), here, another.publicKey), { status: 403 });
});

test("subscriptions and what they got come back after a restart", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "push-service-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const statePath = join(folder, "state.jsonl");
  const first = await start(t, { statePath });
  const { endpoint, keys } = first.simulator.subscribe({ applicationServerKey: vapidDetails.publicKey });
  const { headers, body } = webPush.generateRequestDetails({ endpoint, keys }, payload, { vapidDetails, TTL: 60 });
  const answer = await first.call(endpoint, { headers, body });
  t.is(answer.status, 201, answer.text);
  t.is(answer.headers["ttl"], "60");
  await first.close();

  const second = await start(t, { statePath, port: first.simulator.port });
  t.is(second.simulator.shown(endpoint)[0]?.title, "Hello");
  t.is((await second.call(endpoint, { headers, body })).status, 201, "the same subscription");
  t.not(second.simulator.subscribe().endpoint, endpoint);
});

const mistakes: [string, Record<string, string | null>, number][] = [
  ["no TTL", { TTL: null }, 400],
  ["a TTL that is none", { TTL: "soon" }, 400],
  ["a topic of 33 characters", { Topic: "x".repeat(33) }, 400],
  ["a topic with a space", { Topic: "a b" }, 400],
  ["an urgency nobody knows", { Urgency: "urgent" }, 400],
  ["the old encoding", { "Content-Encoding": "aesgcm" }, 400],
  ["no authorization", { Authorization: null }, 401],
];

for (const [title, given, status] of mistakes) {
  test(`${title}: ${status}`, async (t) => {
    const { simulator, call } = await start(t);
    const { endpoint, keys } = simulator.subscribe({ applicationServerKey: vapidDetails.publicKey });
    const { headers, body } = webPush.generateRequestDetails({ endpoint, keys }, payload, { vapidDetails });
    const sent = Object.fromEntries(
      Object.entries({ ...headers, ...given }).flatMap(([name, value]) =>
        value === null || value === undefined ? [] : [[name, value]],
      ),
    );
    t.is((await call(endpoint, { headers: sent, body })).status, status);
    t.deepEqual(simulator.received(endpoint), []);
  });
}

test("the certificate is this start's own, for this machine only, and vouches for nobody else", async (t) => {
  const [a, b] = [(await start(t)).simulator, (await start(t)).simulator];
  t.not(a.certificate, b.certificate);
  const certificate = new X509Certificate(a.certificate);
  t.is(certificate.checkHost("localhost"), "localhost");
  t.is(certificate.checkHost("fcm.googleapis.com"), undefined);
  t.false(certificate.ca);
});

test("over HTTP: browsers subscribe, go away and tell what they show", async (t) => {
  const { simulator, call } = await start(t);
  const control = (path: string, body?: unknown) =>
    call(`${simulator.url}/control${path}`, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  t.is((await control("/subscriptions", {})).status, 200);
  const id = simulator.state().subscriptions[0]?.id ?? "";
  t.is((await control(`/subscriptions/${id}/status`, { status: "gone" })).status, 200);
  t.is((await call(`${simulator.url}/push/${id}`, { body: "" })).status, 410);
  t.is((await control(`/subscriptions/${id}/shown`)).text, "[]");
  t.is((await control("/subscriptions/none/shown")).status, 404);
  t.is((await control(`/subscriptions/${id}/status`, { status: "asleep" })).status, 400);
  t.is((await control("/state")).status, 200);
});
