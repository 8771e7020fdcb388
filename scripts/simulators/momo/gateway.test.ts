import { randomUUID } from "node:crypto";
import test from "ava";
import { startMomoSimulator } from "./simulator.ts";
import { call, clientOf, fetchToken, field, startStanding } from "./test_client.ts";

test("the subscription key: missing and invalid have a message each, the secondary and the query are as good", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const invalid = await client.get("/v1_0/account/balance", { "ocp-apim-subscription-key": "wrong" });
  t.is(invalid.status, 401);
  t.deepEqual(invalid.json, {
    statusCode: 401,
    message:
      "Access denied due to invalid subscription key. Make sure to provide a valid key for an active subscription.",
  });
  const token = field(await fetchToken(wallet), "access_token");
  const headers = { authorization: `Bearer ${token}`, "x-target-environment": "sandbox" };
  const url = `${simulator.url}/collection/v1_0/account/balance`;
  const missing = await call(url, { headers });
  t.is(missing.status, 401);
  t.regex(field(missing, "message"), /missing subscription key/);
  t.is((await call(`${url}?subscription-key=${simulator.subscriptionKeys[1]}`, { headers })).status, 200);
});

test("bearer and target environment are checked on every product call", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const path = "/v1_0/account/balance";
  t.is((await client.get(path)).status, 200);
  t.is((await client.get(path, { authorization: "Bearer a.b.c" })).status, 401);
  t.is((await client.get(path, { authorization: "" })).status, 401);
  const wrong = await client.get(path, { "x-target-environment": "mtnghana" });
  t.is(wrong.status, 500);
  t.is(field(wrong, "code"), "NOT_ALLOWED_TARGET_ENVIRONMENT");
  const token = field(await fetchToken(wallet), "access_token");
  const without = { authorization: `Bearer ${token}`, "ocp-apim-subscription-key": wallet.subscriptionKey };
  t.is((await call(`${simulator.url}/collection${path}`, { headers: without })).status, 400);
});

test("another product's subscription is refused with a 500", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  const other = simulator.createWallet({ subscriptionKey: "f".repeat(32) });
  const answer = await client.get("/v1_0/account/balance", { "ocp-apim-subscription-key": other.subscriptionKey });
  t.is(answer.status, 500);
  t.is(field(answer, "code"), "NOT_ALLOWED_TARGET_ENVIRONMENT");
});

test("over the limit: the gateway's 429, with or without Retry-After, counted, until the window moves on", async (t) => {
  let machine = Date.parse("2026-09-30T12:00:00Z");
  const simulator = await startStanding({ now: () => machine, rateLimit: { limit: 3, windowMs: 1_000 } });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const balance = () => client.get("/v1_0/account/balance");
  t.deepEqual([(await balance()).status, (await balance()).status], [200, 200]);
  const refused = await balance();
  t.is(refused.status, 429);
  t.is(refused.headers["retry-after"], "1");
  t.deepEqual(refused.json, { statusCode: 429, message: "Rate limit is exceeded. Try again in 1 seconds." });
  simulator.changeSettings({ retryAfter: false });
  t.is((await balance()).headers["retry-after"], undefined);
  t.is(simulator.state().hosts["sandbox"]?.breaches, 2);
  await simulator.moveClock({ advanceMs: 86_400_000 });
  t.is((await balance()).status, 429, "a limit knows machine time only");
  machine += 1_001;
  await simulator.moveClock({ offsetMs: 0 });
  t.is((await balance()).status, 200);
});

test("150 a second is the limit when nothing is said", async (t) => {
  const simulator = await startMomoSimulator({ seed: 1 });
  t.teardown(simulator.close);
  t.deepEqual(simulator.state().hosts["sandbox"]?.limit, { limit: 150, windowMs: 1_000 });
});

test("the firewall answers what looks like an attack with its page; an unknown operation is the gateway's 404", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  const rejected = await client.pay({ payerMessage: "<script>" });
  t.regex(rejected.text, /Request Rejected.*support ID/is);
  const unknown = await client.get(`/v1_0/transactions/${randomUUID()}`);
  t.is(unknown.status, 404);
  t.deepEqual(unknown.json, { statusCode: 404, message: "Resource not found" });
});

test("a one-off fault spoils one request of one host, and the next is good", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "legacy" }, { name: "new" }] });
  t.teardown(simulator.close);
  const legacy = await clientOf(simulator.createWallet({ platforms: ["legacy"] }));
  const other = await clientOf(simulator.createWallet({ platforms: ["new"] }));
  simulator.addFault({ kind: "500", match: { path: "/account/balance" } }, "legacy");
  t.is((await other.get("/v1_0/account/balance")).status, 200);
  t.is(field(await legacy.get("/v1_0/account/balance"), "code"), "INTERNAL_PROCESSING_ERROR");
  t.is((await legacy.get("/v1_0/account/balance")).status, 200);
});

test("a plan decides about every request until it ends", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  simulator.followFaultPlan(({ ordinal }) =>
    ordinal % 2 === 0 ? { kind: "429_retry_after", retryAfterSeconds: 7 } : null,
  );
  const answers = [await client.get("/v1_0/account/balance"), await client.get("/v1_0/account/balance")];
  t.deepEqual(answers.map(({ status }) => String(status)).toSorted(), ["200", "429"]);
  t.is(answers.find(({ status }) => status === 429)?.headers["retry-after"], "7");
  simulator.followFaultPlan(null);
  t.is((await client.get("/v1_0/account/balance")).status, 200);
  t.is((await client.get("/v1_0/account/balance")).status, 200);
});

test("an answer lost on its way: the payment exists all the same", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const client = await clientOf(simulator.createWallet());
  simulator.addFault({ kind: "lost_answer", match: { method: "POST", path: "requesttopay" } });
  const reference = randomUUID();
  await t.throwsAsync(client.pay({ reference }));
  t.is((await client.get(`/v1_0/requesttopay/${reference}`)).status, 200);
  t.is((await client.pay({ reference })).status, 409);
});
