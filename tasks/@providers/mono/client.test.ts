import test, { type ExecutionContext } from "ava";
import { createHttpClient } from "../../@http/client.ts";
import { ProviderError, UnexpectedShapeError } from "../../@http/errors.ts";
import { startStubServer, type StubReply } from "../../@http/testing/stub_server.ts";
import { createMonoClient } from "./client.ts";

const by = { signal: new AbortController().signal };
const KEY = "test_sk_abcdefghijkl12345678";

async function setUp(t: ExecutionContext, reply: StubReply) {
  const stub = await startStubServer(() => reply);
  const http = createHttpClient();
  t.teardown(async () => {
    await http.close();
    await stub.close();
  });
  return { stub, client: createMonoClient({ http, baseUrl: stub.url, secretKey: KEY }) };
}

const successful = (data: unknown): StubReply => ({ json: { status: "successful", message: "ok", data } });

test("a link to renew consent is minted for the account", async (t) => {
  const { stub, client } = await setUp(t, successful({ mono_url: "https://link.mono.co/x", scope: "reauth" }));
  const link = await client.initiateReauthorisation(
    "acc/1",
    { redirectUrl: "https://app.example.com/back", ref: "r1" },
    by,
  );
  t.deepEqual(link, { url: "https://link.mono.co/x" });
  const [request] = stub.requests;
  t.is(request?.path, "/v2/accounts/initiate");
  t.deepEqual(JSON.parse(request?.body ?? ""), {
    account: "acc/1",
    scope: "reauth",
    redirect_url: "https://app.example.com/back",
    meta: { ref: "r1" },
  });
});

test("a code becomes an account's id, in the docs' form and in the live one", async (t) => {
  for (const reply of [successful({ id: "a1" }), { json: { id: "a1" } }]) {
    const { client, stub } = await setUp(t, reply);
    t.deepEqual(await client.exchangeCode("c", by), { accountId: "a1" });
    t.is(stub.requests[0]?.path, "/v2/accounts/auth");
  }
  const { client } = await setUp(t, successful({}));
  await t.throwsAsync(client.exchangeCode("c", by), { instanceOf: UnexpectedShapeError });
});

test("an unlinking succeeds by its status, whatever its body", async (t) => {
  for (const reply of [successful(null), { body: "" }]) {
    const { client, stub } = await setUp(t, reply);
    await client.unlink("a b", by);
    t.is(stub.requests[0]?.method, "POST");
    t.is(stub.requests[0]?.path, "/v2/accounts/a%20b/unlink");
  }
});

test("a failure keeps Mono's words, without what is nobody's business", async (t) => {
  const message = `Account 0131883461 of ada@example.com: key ${KEY} not found`;
  const { client } = await setUp(t, {
    status: 404,
    headers: { "retry-after": "9" },
    json: { status: "failed", message, data: null },
  });
  const error = await t.throwsAsync(client.accountDetails("a", by), { instanceOf: ProviderError });
  t.like(error, {
    status: 404,
    providerMessage: "Account *** of *** key *** not found",
    retryAfter: "9",
    body: "json",
  });
});

test("a failure in a successful envelope is none the less a failure", async (t) => {
  const { client } = await setUp(t, { json: { status: "failed", message: "no", data: null } });
  await t.throwsAsync(client.checkKey(by), { instanceOf: ProviderError });
});

test("a job of an unknown state is no guess of ours", async (t) => {
  const { client } = await setUp(t, successful({ id: "j", status: "paused" }));
  await t.throwsAsync(client.job("a", "j", by), { instanceOf: UnexpectedShapeError });
});
