import { inspect } from "node:util";
import test, { type ExecutionContext } from "ava";
import { startMomoSimulator } from "../../../scripts/simulators/momo/simulator.ts";
import { createHttpClient } from "../../@http/client.ts";
import { ProviderError } from "../../@http/errors.ts";
import { startStubServer, type StubReply } from "../../@http/testing/stub_server.ts";
import { createMomoClient, createMomoProvisioning, type MomoWallet } from "./client.ts";
import { MomoSubscriptionKeyError } from "./errors.ts";

const by = { signal: new AbortController().signal };

async function setUp(t: ExecutionContext, reply: StubReply) {
  const stub = await startStubServer(() => reply);
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await stub.close();
  });
  const wallet: MomoWallet = {
    baseUrl: stub.url,
    targetEnvironment: "sandbox",
    apiUser: "8f2c1d4e-0001-4a7b-9c3d-000000000001",
    apiKey: "0123456789abcdef0123456789abcdef",
    subscriptionKey: { value: "fedcba9876543210fedcba9876543210", isOurs: true },
  };
  return { stub, wallet, client: createMomoClient({ http }) };
}

test("a token is asked for without a body, with raw credentials, environment and slash", async (t) => {
  const { stub, wallet, client } = await setUp(t, {
    json: { access_token: "t", token_type: "access_token", expires_in: 3600 },
  });
  t.deepEqual(await client.mintToken(wallet, by), { token: "t", expiresInSeconds: 3600 });
  const [request] = stub.requests;
  t.like(request, { method: "POST", path: "/collection/token/", body: "" });
  t.is(
    request?.headers["authorization"],
    `Basic ${Buffer.from(`${wallet.apiUser}:${wallet.apiKey}`).toString("base64")}`,
  );
  t.is(request?.headers["x-target-environment"], "sandbox");
  t.is(request?.headers["content-type"], undefined);
});

test("amounts that MTN once sent as numbers stay exact", async (t) => {
  const { client, wallet } = await setUp(t, { body: '{"availableBalance": 32.39, "currency": "ZAR"}' });
  t.deepEqual(await client.balance(wallet, "t", by), { amount: "32.39", currency: "ZAR" });
});

test("a reason is read in both of its forms", async (t) => {
  for (const reason of ["APPROVAL_REJECTED", { code: "APPROVAL_REJECTED", message: "…" }]) {
    const { client, wallet } = await setUp(t, { json: { status: "FAILED", amount: "5", currency: "EUR", reason } });
    const payment = await client.payment(wallet, "t", { operation: "requesttopay", referenceId: "r" }, by);
    t.is(payment?.reason, "APPROVAL_REJECTED");
  }
});

test("only the product knows that a reference does not exist", async (t) => {
  const reference = { operation: "requesttowithdraw", referenceId: "r" } as const;
  const unknown = await setUp(t, {
    status: 404,
    json: { code: "RESOURCE_NOT_FOUND", message: "Requested resource was not found." },
  });
  t.is(await unknown.client.payment(unknown.wallet, "t", reference, by), null);
  t.is(unknown.stub.requests[0]?.path, "/collection/v1_0/requesttowithdraw/r");
  for (const reply of [
    { status: 404, json: { statusCode: 404, message: "Resource not found" } },
    { status: 404, body: "" },
  ]) {
    const { client, wallet } = await setUp(t, reply);
    await t.throwsAsync(client.payment(wallet, "t", reference, by), { instanceOf: ProviderError });
  }
});

test("the gateway's refusals are about the subscription, the product's are not", async (t) => {
  const gateway: StubReply[] = [
    { status: 401, json: { statusCode: 401, message: "Access denied due to invalid subscription key. Make sure…" } },
    { status: 401, json: { statusCode: 401, message: "Access denied due to missing subscription key…" } },
    { status: 403, json: { statusCode: 403, message: "Forbidden" } },
  ];
  for (const reply of gateway) {
    const { client, wallet } = await setUp(t, reply);
    await t.throwsAsync(client.balance(wallet, "t", by), { instanceOf: MomoSubscriptionKeyError });
  }
  for (const reply of [
    { status: 401, body: "" },
    { status: 401, json: { error: "login_failed" } },
    { status: 403, body: "<html>" },
  ]) {
    const { client, wallet } = await setUp(t, reply);
    await t.throwsAsync(client.balance(wallet, "t", by), { instanceOf: ProviderError });
  }
});

test("no refusal shows a key or token, even where MTN repeats it", async (t) => {
  const token = "eyJ0eXAi.secret-token.value";
  const { client, wallet } = await setUp(t, {
    status: 500,
    json: { code: "x", message: `bad ${token} for fedcba9876543210fedcba9876543210` },
  });
  const error = await t.throwsAsync(client.balance(wallet, token, by), { instanceOf: ProviderError });
  t.false(inspect(error).includes("secret-token"));
  t.false(inspect(error).includes("fedcba98"));
});

test("an API user and its key are made, and known again", async (t) => {
  const simulator = await startMomoSimulator({ seed: "provisioning" });
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await simulator.close();
  });
  const subscriptionKey = { value: simulator.subscriptionKeys[0] ?? "", isOurs: true };
  const provisioning = createMomoProvisioning({ http, baseUrl: simulator.url, subscriptionKey });
  const user = "6f0c3f1e-52f0-4f0a-9d5e-0c1a2b3c4d5e";
  t.is(await provisioning.readApiUser(user, by), null);
  await provisioning.createApiUser(user, "api.example.com", by);
  t.deepEqual(await provisioning.readApiUser(user, by), {
    callbackHost: "api.example.com",
    targetEnvironment: "sandbox",
  });
  const { apiKey } = await provisioning.createApiKey(user, by);
  const wallet = { baseUrl: simulator.url, targetEnvironment: "sandbox", apiUser: user, apiKey, subscriptionKey };
  const client = createMomoClient({ http });
  const { token } = await client.mintToken(wallet, by);
  t.is((await client.balance(wallet, token, by)).currency, "EUR");
  await t.throwsAsync(provisioning.createApiUser(user, "api.example.com", by), { instanceOf: ProviderError });
});
