import test from "ava";
import { basic, call, clientOf, fetchToken, field, startStanding } from "./test_client.ts";

test("a token lasts 3600 s of the virtual clock", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const answer = await fetchToken(wallet);
  t.is(answer.status, 200);
  t.is(field(answer, "token_type"), "access_token");
  t.is(field(answer, "expires_in"), "3600");
  const client = await clientOf(wallet);
  await simulator.moveClock({ advanceMs: 3_599_000 });
  t.is((await client.get("/v1_0/account/balance")).status, 200);
  await simulator.moveClock({ advanceMs: 1_000 });
  const expired = await client.get("/v1_0/account/balance");
  t.is(expired.status, 401);
  t.is(expired.text, "");
  simulator.changeSettings({ unauthorizedBody: "error" });
  t.is(field(await client.get("/v1_0/account/balance"), "error"), "invalid_token");
});

test("the slash is part of the path, and there must be no body", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const headers = { authorization: basic(wallet), "ocp-apim-subscription-key": wallet.subscriptionKey };
  const post = (path: string, rawBody?: string) =>
    call(`${simulator.url}${path}`, { method: "POST", headers, ...(rawBody === undefined ? {} : { rawBody }) });
  t.is((await post("/collection/token")).status, 404);
  t.is((await post("/collection/token/", "{}")).status, 400);
  t.is((await post("/collection/token/", "grant_type=client_credentials")).status, 400);
  t.is((await post("/collection/token/")).status, 200);
});

test("a rotated key is login_failed, an unknown or revoked user invalid_client", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const { apiKey } = simulator.rotateKey(wallet.apiUser);
  const stale = await fetchToken(wallet);
  t.is(stale.status, 401);
  t.deepEqual(stale.json, { error: "login_failed" });
  t.is((await fetchToken({ ...wallet, apiKey })).status, 200);
  t.is((await client.get("/v1_0/account/balance")).status, 200, "tokens outlive the key");
  const stranger = await fetchToken({ ...wallet, apiUser: "nobody", apiKey });
  t.is(stranger.status, 401);
  t.deepEqual(stranger.json, { error: "invalid_client" });
  t.deepEqual((await fetchToken(wallet, { authorization: "Basic ***" })).json, { error: "invalid_client" });
  simulator.revoke(wallet.apiUser);
  t.deepEqual((await fetchToken({ ...wallet, apiKey })).json, { error: "invalid_client" });
  t.is((await client.get("/v1_0/account/balance")).status, 401);
});

test("tokens can be ended before their time, the next one is good", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  simulator.endTokens(wallet.apiUser);
  t.is((await client.get("/v1_0/account/balance")).status, 401);
  t.is((await (await clientOf(wallet)).get("/v1_0/account/balance")).status, 200);
});

test("the new platform wants the target environment on the token and raw Basic credentials", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "new", newPlatform: true }] });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ targetEnvironment: "mtnghana", credentials: "system" });
  t.regex(wallet.apiUser, /=$/);
  const environment = { "x-target-environment": "mtnghana" };
  t.is((await fetchToken(wallet, environment)).status, 200);
  const without = await fetchToken(wallet);
  t.is(without.status, 400);
  t.deepEqual(without.json, { error: "Invalid or missing X-Target-Environment header" });
  t.is((await fetchToken(wallet, { "x-target-environment": "mtnuganda" })).status, 400);
  const encoded = { ...wallet, apiUser: encodeURIComponent(wallet.apiUser) };
  t.is((await fetchToken(encoded, environment)).status, 500);
});

test("the new platform turns python-requests away with a page, the old one does not", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "legacy" }, { name: "new", newPlatform: true }] });
  t.teardown(simulator.close);
  const headers = { "user-agent": "python-requests/2.32", "x-target-environment": "sandbox" };
  const refused = await fetchToken(simulator.createWallet({ platforms: ["new"] }), headers);
  t.is(refused.status, 403);
  t.regex(refused.text, /^<html>/);
  t.is((await fetchToken(simulator.createWallet({ platforms: ["legacy"] }), headers)).status, 200);
});

test("a token can be slow", async (t) => {
  const simulator = await startStanding({ settings: { tokenDelayMs: 60 } });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const begun = performance.now();
  t.is((await fetchToken(wallet)).status, 200);
  t.true(performance.now() - begun >= 55);
});
