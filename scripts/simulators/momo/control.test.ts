import { randomUUID } from "node:crypto";
import { appendFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { call, clientOf, fetchToken, field, NOON, startStanding } from "./test_client.ts";

test("everything can be done over HTTP, without a key", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const control = (method: string, path: string, body?: unknown) =>
    call(`${simulator.url}/control${path}`, { method, body });
  const created = await control("POST", "/wallets", { balance: "10", history: false });
  const apiUser = field(created, "apiUser");
  const payment = await control("POST", `/wallets/${apiUser}/payments`, { amount: "2", payer: "46733123453" });
  const reference = field(payment, "referenceId");
  t.is(field(payment, "baseUrl"), simulator.url);
  t.is(field(payment, "requestedAt"), new Date(NOON).toISOString());
  const changed = await control("PATCH", `/payments/${reference}`, { scenario: "succeeds", outcomeAfterMs: 1_000 });
  t.is(field(changed, "finalStatus"), "SUCCESSFUL");
  const row = field(await control("POST", `/wallets/${apiUser}/rows`, { direction: "debit", amount: "3" }), "rowId");
  t.is((await control("PATCH", `/wallets/${apiUser}/rows/${row}`, { amount: "4" })).status, 200);
  t.is((await control("POST", "/clock", { advanceMs: 1_000 })).status, 200);
  t.like((await control("GET", `/truth/${apiUser}`)).json, { balance: "8" });
  t.is((await control("DELETE", `/wallets/${apiUser}/rows/${row}`)).status, 200);
  t.like((await control("GET", `/truth/${apiUser}`)).json, { balance: "12" });
  for (const [path, body] of [
    [`/wallets/${apiUser}/rotate-key`],
    [`/wallets/${apiUser}/end-tokens`],
    [`/wallets/${apiUser}/revoke`],
    [`/wallets/${apiUser}/platforms`, { platforms: ["sandbox"] }],
    ["/statement/rotate-secret"],
    ["/callbacks", { mode: "duplicate" }],
    ["/settings", { reasonForm: "string" }],
    ["/rate-limit", { limit: { limit: 5, windowMs: 100 } }],
    ["/faults", { kind: "hang", match: { path: "/balance" }, times: 2, host: "sandbox" }],
  ] as const) {
    t.is((await control("POST", path, body)).status, 200, path);
  }
  const state = simulator.state();
  t.like(state, { settings: { reasonForm: "string", callbacks: { mode: "duplicate" } }, wallets: [{ revoked: true }] });
  t.deepEqual(state.hosts["sandbox"]?.limit, { limit: 5, windowMs: 100 });
  t.is(state.hosts["sandbox"]?.faults.pending.length, 1);
  t.deepEqual(state.hosts["sandbox"]?.requests, {}, "control requests are not counted");
  t.is((await control("DELETE", "/faults")).status, 200);
  t.is((await control("POST", "/reset")).status, 200);
  t.deepEqual(simulator.state().wallets, []);
});

test("control mistakes: 400, 404, 409", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const { apiUser } = simulator.createWallet();
  const { referenceId } = simulator.createPayment(apiUser, { amount: "1", scenario: "rejected" });
  const post = (path: string, body: unknown, method = "POST") =>
    call(`${simulator.url}/control${path}`, { method, body });
  t.is((await post("/wallets", { targetEnvironment: "atlantis" })).status, 400);
  t.is((await post(`/wallets/${apiUser}/payments`, { amount: 1 })).status, 400);
  t.is((await post(`/wallets/${randomUUID()}/payments`, { amount: "1" })).status, 404);
  t.is((await post(`/payments/${referenceId}`, { scenario: "succeeds" }, "PATCH")).status, 409);
  t.is((await post(`/wallets/${apiUser}/rows/2020-01-01%231`, { amount: "1" }, "PATCH")).status, 404);
  t.deepEqual(simulator.state().hosts["sandbox"]?.bugs, []);
});

test("a pending payment's outcome can be moved and explained, an ended one's cannot", async (t) => {
  const simulator = await startStanding({ settings: { reasonForm: "string" } });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet();
  const client = await clientOf(wallet);
  const { referenceId } = simulator.createPayment(wallet.apiUser, { amount: "1", payer: "46733123454" });
  const status = async () => field(await client.get(`/v1_0/requesttopay/${referenceId}`), "status");
  await simulator.moveClock({ advanceMs: 20_000 });
  simulator.changePayment(referenceId, { outcomeAfterMs: 60_000 });
  await simulator.moveClock({ advanceMs: 59_999 });
  t.is(await status(), "CREATED");
  simulator.changePayment(referenceId, { scenario: "not_enough_funds", reason: "PAYER_LIMIT_REACHED" });
  t.is(await status(), "PENDING");
  await simulator.moveClock({ advanceMs: 2_000 });
  t.is(await status(), "FAILED");
  t.is(simulator.truth(wallet.apiUser).payments[0]?.reason, "PAYER_LIMIT_REACHED");
  t.throws(() => simulator.changePayment(referenceId, { scenario: "succeeds" }), { name: "NotPossible" });
  t.throws(
    () => simulator.createPayment(wallet.apiUser, { amount: "1", scenario: "stays_pending", outcomeAfterMs: 1 }),
    {
      name: "NotPossible",
    },
  );
});

test("nextRequest tells of a request on its arrival, on any host", async (t) => {
  const simulator = await startStanding({ platforms: [{ name: "legacy" }, { name: "new" }] });
  t.teardown(simulator.close);
  const wallet = simulator.createWallet({ platforms: ["new"] });
  const arrival = simulator.nextRequest(({ path }) => path === "/collection/token/");
  await fetchToken(wallet);
  t.is((await arrival).method, "POST");
  t.is(simulator.recentRequests()["new"]?.[0]?.status, 200);
});

test("a journal brings everything back: credentials, tokens, references, rows, settings, clock", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "momo-journal-"));
  t.teardown(() => rm(folder, { recursive: true }));
  const statePath = join(folder, "deep", "momo.jsonl");
  const reference = randomUUID();
  const first = await startStanding({ statePath, settings: { reasonForm: "string" } });
  const wallet = first.createWallet();
  await (await clientOf(wallet)).pay({ reference });
  const token = field(await fetchToken(wallet), "access_token");
  first.postRow(wallet.apiUser, { direction: "credit", amount: "9" });
  await first.moveClock({ advanceMs: 60_000 });
  const truth = first.truth(wallet.apiUser);
  await first.close();

  // A kill in the middle of a write.
  await appendFile(statePath, '{"kind":"wallet_cre');
  const second = await startStanding({ statePath });
  t.teardown(second.close);
  t.deepEqual(second.truth(wallet.apiUser), truth);
  t.is(second.state().settings.reasonForm, "string");
  t.is(second.clock.now(), NOON + 60_000);
  const answer = await call(`${second.url}/collection/v1_0/requesttopay/${reference}`, {
    headers: {
      authorization: `Bearer ${token}`,
      "ocp-apim-subscription-key": wallet.subscriptionKey,
      "x-target-environment": "sandbox",
    },
  });
  t.is(field(answer, "status"), "SUCCESSFUL");
  t.is((await fetchToken({ ...wallet, baseUrl: second.url })).status, 200);
  await t.throwsAsync(startStanding({ statePath, seed: "another" }), { name: "BadJournal" });
  second.reset();
  t.is((await readFile(statePath, "utf8")).split("\n").length, 2, "the heading only");
  t.deepEqual(second.state().wallets, []);
});

test("without a journal the same actions give the same ids", async (t) => {
  const lives = await Promise.all([startStanding(), startStanding()]);
  const told = lives.map((simulator) => {
    t.teardown(simulator.close);
    const { statement: _statement, baseUrl: _baseUrl, ...wallet } = simulator.createWallet();
    const { baseUrl: _payBaseUrl, ...payment } = simulator.createPayment(wallet.apiUser, { amount: "1" });
    return { wallet, payment, rotated: simulator.rotateKey(wallet.apiUser) };
  });
  t.deepEqual(told[0], told[1]);
});
