import test, { type ExecutionContext } from "ava";
import { type MomoSimulatorOptions, startMomoSimulator } from "../../../scripts/simulators/momo/simulator.ts";
import type { WalletOptions } from "../../../scripts/simulators/momo/wallet_controls.ts";
import type { LeasedAccount, OpenReference, WalletKey } from "../../@sync/platform.ts";
import { kinds, leasedAccount, rowsOf, run, stepsOf, testContext } from "../testing/runs.ts";
import { createMomoPlatform } from "./platform.ts";

const NOW = "2026-09-30T12:00:00.000Z";

async function setUp(
  t: ExecutionContext,
  {
    wallet: given = {},
    callbackHost = null,
    ...options
  }: Partial<MomoSimulatorOptions> & { wallet?: WalletOptions; callbackHost?: string | null } = {},
) {
  const context = testContext(NOW);
  context.renewKey = (_refused, make) => make({ hasOpenReferences: false });
  const simulator = await startMomoSimulator({
    seed: "platform",
    now: () => context.now().getTime(),
    rateLimit: null,
    statementRateLimit: null,
    ...options,
  });
  const wallet = simulator.createWallet(given);
  const platform = createMomoPlatform({
    subscriptionKey: simulator.subscriptionKeys[0] ?? null,
    statementBaseUrl: simulator.statementUrl,
    deadlineMs: 2_000,
    callbackHost,
  });
  t.teardown(async () => {
    await platform.close();
    await simulator.close();
  });
  const { statement } = wallet;
  const account = leasedAccount("mtn_momo", {
    externalId: wallet.apiUser,
    currency: wallet.currency,
    baseUrl: wallet.baseUrl,
    targetEnvironment: wallet.targetEnvironment,
    credentials: { momo_api_key: wallet.apiKey },
  });
  return {
    simulator,
    wallet,
    context,
    contract: {
      momo_api_key: wallet.apiKey,
      madapi_client_id: statement.clientId,
      madapi_client_secret: statement.clientSecret,
      madapi_api_key: statement.apiKey,
      msisdn: wallet.msisdn,
    },
    sync: (changes: Partial<LeasedAccount> = {}) => run(platform, { ...account, ...changes }, context),
    pay: (payment: Parameters<typeof simulator.createPayment>[1]): OpenReference => {
      const { referenceId, operation, baseUrl, targetEnvironment, requestedAt } = simulator.createPayment(
        wallet.apiUser,
        payment,
      );
      return { referenceId, operation, baseUrl, targetEnvironment, requestedAt };
    },
    /** Requests of one host so far, by route. */
    requests: (host: string) => simulator.state().hosts[host]?.requests ?? {},
  };
}

test("a wallet without references: a token, then the balance of this moment", async (t) => {
  const { sync, requests } = await setUp(t, { wallet: { balance: "1234.5" } });
  const { steps, failure } = await sync();
  t.is(failure, null);
  t.deepEqual(steps, [
    { kind: "data_as_of", asOf: NOW },
    { kind: "balance", amount: "1234.50", currency: "EUR", asOf: NOW },
  ]);
  t.deepEqual(requests("sandbox"), { "POST /collection/token": 1, "GET /collection/v1_0/account/balance": 1 });
  await sync();
  t.deepEqual(requests("sandbox"), { "POST /collection/token": 1, "GET /collection/v1_0/account/balance": 2 });
});

test("references are told as they stand: open, settled either way, or never accepted", async (t) => {
  const { sync, pay, context } = await setUp(t);
  const paid = pay({ amount: "12.50", payeeNote: "Order 12", payer: "46733123454", outcomeAfterMs: 10_000 });
  const refused = pay({ amount: "5", payer: "46733123451" });
  const open = pay({ amount: "7", payer: "46733123453" });
  const odd = pay({ amount: "8", scenario: [{ afterMs: 0, status: "UNDER_REVIEW" }] });
  const never = { ...open, referenceId: "6f0c3f1e-52f0-4f0a-9d5e-0c1a2b3c4d5e" };
  context.advance(60);
  const { steps, failure } = await sync({ openReferences: [paid, refused, open, odd, never] });
  t.is(failure, null);
  t.deepEqual(kinds(steps), ["data_as_of", "references", "balance"]);
  const told = stepsOf(steps, "references")[0];
  t.deepEqual(
    told?.polled.map(({ outcome }) => outcome),
    ["settled", "settled", "open", "open", "unknown"],
  );
  t.deepEqual(
    told?.rows.map(({ id, status, amount }) => [id, status, amount]),
    [
      [paid.referenceId, "posted", "12.50"],
      [refused.referenceId, "failed", "5.00"],
      [open.referenceId, "pending", "7.00"],
      [odd.referenceId, "pending", "8.00"],
    ],
  );
  t.like(told?.rows[0], {
    direction: "credit",
    currency: "EUR",
    occurredAt: NOW,
    occurredOn: "2026-09-30",
    narration: "Order 12",
    counterparty: "46733123454",
    balanceAfter: null,
    category: null,
  });
});

test("many references are told in portions, and none is lost to a failure after it", async (t) => {
  const { sync, pay, simulator } = await setUp(t);
  const references = Array.from({ length: 30 }, () => pay({ amount: "1" }));
  const all = await sync({ openReferences: references });
  t.deepEqual(
    stepsOf(all.steps, "references").map(({ polled }) => polled.length),
    [25, 5],
  );
  simulator.addFault({ kind: "503", match: { segment: references[27]?.referenceId ?? "" } });
  const broken = await sync({ openReferences: references });
  t.is(broken.failure?.kind, "provider_down");
  t.deepEqual(
    stepsOf(broken.steps, "references").map(({ polled }) => polled.length),
    [25, 2],
  );
});

test("one reference that cannot be read stays open and keeps nobody from anything", async (t) => {
  const { sync, pay, simulator } = await setUp(t);
  for (const kind of ["500", "wrong_type", "malformed", "null", "empty"] as const) {
    const [bad, good] = [pay({ amount: "1" }), pay({ amount: "2" })];
    simulator.addFault({ kind, match: { segment: bad.referenceId } });
    const { steps, failure } = await sync({ openReferences: [bad, good] });
    t.is(failure, null, kind);
    const told = stepsOf(steps, "references")[0];
    t.deepEqual(told?.refused, ["invalid_row"], kind);
    t.deepEqual(
      told?.polled.map(({ outcome }) => outcome),
      ["open", "open"],
      kind,
    );
    t.deepEqual(
      told?.rows.map(({ id }) => id),
      [good.referenceId],
      kind,
    );
    t.is(stepsOf(steps, "balance").length, 1, kind);
  }
});

test("a token that is refused before its hour is replaced once", async (t) => {
  for (const unauthorizedBody of ["empty", "error"] as const) {
    const { sync, simulator, wallet, requests } = await setUp(t, { settings: { unauthorizedBody } });
    await sync();
    simulator.endTokens(wallet.apiUser);
    t.is((await sync()).failure, null);
    t.deepEqual(requests("sandbox"), { "POST /collection/token": 2, "GET /collection/v1_0/account/balance": 3 });
  }
});

test("a key that was replaced is its owner's turn where no program may make one, and asked for once", async (t) => {
  const { sync, simulator, wallet, requests } = await setUp(t, { wallet: { targetEnvironment: "mtnghana" } });
  await sync();
  const { apiKey } = simulator.rotateKey(wallet.apiUser);
  t.is((await sync()).failure, null, "the token lives on");
  simulator.endTokens(wallet.apiUser);
  const { failure } = await sync();
  t.like(failure, { kind: "auth_required", code: "login_failed" });
  t.is(requests("sandbox")["POST /collection/token"], 2);
  t.is((await sync({ credentials: { momo_api_key: apiKey } })).failure, null, "the new key is good at once");
});

const API_KEY = "POST /v1_0/apiuser/:id/apikey";

test("in the sandbox a refused key is renewed, and the run goes on", async (t) => {
  const { sync, simulator, wallet, requests } = await setUp(t);
  simulator.rotateKey(wallet.apiUser);
  const { steps, failure } = await sync();
  t.is(failure, null);
  t.deepEqual(kinds(steps), ["data_as_of", "balance"]);
  t.like(requests("sandbox"), { "POST /collection/token": 2, [API_KEY]: 1 });
});

test("a key is renewed once in a run, and only where MTN calls it wrong", async (t) => {
  const { sync, simulator, wallet, requests } = await setUp(t);
  simulator.rotateKey(wallet.apiUser);
  simulator.addFault({ kind: "401", match: { path: "/collection/token" } });
  t.like((await sync()).failure, { kind: "auth_required" });
  t.is(requests("sandbox")[API_KEY], undefined, "a 401 without a word may mean anything");
  t.is((await sync()).failure, null);
  t.is(requests("sandbox")[API_KEY], 1);
});

test("an API user that is gone is its owner's turn", async (t) => {
  const { sync, simulator, wallet, requests } = await setUp(t);
  simulator.revoke(wallet.apiUser);
  t.like((await sync()).failure, { kind: "auth_required", code: "invalid_client" });
  t.is(requests("sandbox")[API_KEY], undefined);
  simulator.revoke(wallet.apiUser, false);
  t.is((await sync()).failure, null);
});

test("an API user made for another callback host than ours is replaced, but not while payments are open", async (t) => {
  for (const [callbackHost, hasOpenReferences, isReplaced] of [
    ["old.example", false, true],
    ["old.example", true, false],
    ["sync.example", false, false],
    [undefined, false, false],
  ] as const) {
    const { sync, simulator, wallet, context, requests } = await setUp(t, {
      wallet: callbackHost === undefined ? {} : { callbackHost },
      callbackHost: "sync.example",
    });
    const made: WalletKey[] = [];
    context.renewKey = async (_refused, make) => {
      const key = await make({ hasOpenReferences });
      if (key !== null) made.push(key);
      return key;
    };
    simulator.rotateKey(wallet.apiUser);
    t.is((await sync()).failure, null);
    t.is(made.length, 1);
    t.is(made[0]?.apiUser !== wallet.apiUser, isReplaced, String(callbackHost));
    t.is(requests("sandbox")["POST /v1_0/apiuser"], isReplaced ? 1 : undefined);
    const user = simulator.state().wallets.find(({ apiUser }) => apiUser === made[0]?.apiUser);
    t.is(user?.callbackHost, isReplaced ? "sync.example" : (callbackHost ?? null));
  }
});

test("a key that could not be made for a passing reason is tried again; a refused subscription key is whose it is", async (t) => {
  const { sync, simulator, wallet } = await setUp(t);
  simulator.rotateKey(wallet.apiUser);
  simulator.addFault({ kind: "503", match: { path: "/apikey" } });
  t.like((await sync()).failure, { kind: "provider_down" });
  simulator.addFault({ kind: "lost_answer", match: { path: "/apikey" } });
  t.like((await sync()).failure, { kind: "transient" });
  t.is((await sync()).failure, null);
});

test("whose subscription key it is decides who must act", async (t) => {
  const { sync } = await setUp(t);
  const foreign = { credentials: { momo_api_key: "k", momo_subscription_key: "0123456789abcdef0123456789abcdef" } };
  t.like((await sync(foreign)).failure, { kind: "auth_required" });
  t.is((await sync()).failure, null);
});

test("a wallet's own subscription key goes before ours", async (t) => {
  const own = "fedcba9876543210fedcba9876543210";
  const { sync, wallet } = await setUp(t, { wallet: { subscriptionKey: own } });
  t.like((await sync()).failure, { kind: "auth_required", code: "NOT_ALLOWED_TARGET_ENVIRONMENT" });
  const credentials = { momo_api_key: wallet.apiKey, momo_subscription_key: own };
  t.is((await sync({ credentials })).failure, null);
});

test("a set-up that lacks something is its owner's turn, without a request", async (t) => {
  const { sync, context } = await setUp(t);
  const cases: Partial<LeasedAccount>[] = [
    { credentials: {} },
    { targetEnvironment: null },
    { targetEnvironment: "mtnatlantis" },
    { baseUrl: "http://momo.example.com" },
  ];
  for (const changes of cases) t.is((await sync(changes)).failure?.kind, "auth_required");
  t.is(context.requests(), 0);
});

test("the new platform wants the environment with the token, and system credentials raw", async (t) => {
  const { sync } = await setUp(t, {
    platforms: [{ name: "new", newPlatform: true }],
    wallet: { credentials: "system", targetEnvironment: "mtnuganda" },
  });
  const { steps, failure } = await sync();
  t.is(failure, null);
  t.deepEqual(
    stepsOf(steps, "balance").map(({ currency, amount }) => [currency, amount]),
    [["UGX", "250000"]],
  );
  t.like((await sync({ targetEnvironment: "mtnghana" })).failure, { kind: "auth_required" });
});

test("a reference is asked for where it was made, also when its platform has died", async (t) => {
  const { sync, simulator, wallet, context } = await setUp(t, {
    platforms: [{ name: "old" }, { name: "new", newPlatform: true }],
    wallet: { platforms: ["new", "old"], targetEnvironment: "mtnuganda" },
  });
  const made = (platform: string): OpenReference => {
    const { referenceId, operation, baseUrl, targetEnvironment, requestedAt } = simulator.createPayment(
      wallet.apiUser,
      { amount: "100", platform },
    );
    return { referenceId, operation, baseUrl, targetEnvironment, requestedAt };
  };
  const references = [made("old"), made("new")];
  context.advance(60);
  const both = await sync({ openReferences: references });
  t.deepEqual(
    rowsOf(both.steps).map(({ status }) => status),
    ["posted", "posted"],
  );

  simulator.openOn(wallet.apiUser, ["new"]);
  const refused = await sync({ openReferences: references });
  t.is(refused.failure, null, "old credentials that died keep nobody from the new platform");
  t.deepEqual(
    stepsOf(refused.steps, "references")[0]?.polled.map(({ outcome }) => outcome),
    ["open", "settled"],
  );
});

test("a day is the environment's", async (t) => {
  const { sync, pay, context } = await setUp(t, { wallet: { targetEnvironment: "mtnuganda" } });
  context.set("2026-09-30T21:30:00.000Z");
  const { steps } = await sync({ openReferences: [pay({ amount: "100" })] });
  t.like(rowsOf(steps)[0], { occurredAt: "2026-09-30T21:30:00.000Z", occurredOn: "2026-10-01", amount: "100" });
});

test("a statement is read by those who have the contract for it, newest window first, day by day", async (t) => {
  const { sync, contract, requests } = await setUp(t);
  const windows = [
    { source: "statement", from: "2026-08-01", to: "2026-08-31" },
    { source: "statement", from: "2026-09-01", to: "2026-09-30" },
  ] as const;
  t.deepEqual(kinds((await sync({ windows: [...windows] })).steps), ["data_as_of", "balance"]);
  t.deepEqual(requests("statement"), {});

  const { steps, failure } = await sync({ windows: [...windows], credentials: contract });
  t.is(failure, null);
  t.deepEqual(requests("statement"), { "POST /v1/oauth/access_token": 1, "GET /v1/customer/momo/history": 2 });
  const pages = stepsOf(steps, "page");
  t.deepEqual([...new Set(pages.map(({ window }) => window.from))], ["2026-09-01", "2026-08-01"]);
  t.true(
    pages.every(({ rows }) => new Set(rows.map(({ occurredOn }) => occurredOn)).size <= 1),
    "one day a step",
  );
  t.is(pages.filter(({ complete }) => complete !== null).length, 2);
  const again = await sync({ windows: [...windows], credentials: contract });
  t.deepEqual(rowsOf(again.steps), rowsOf(steps), "a fingerprint is the same the next time");
});

test("a statement's own credentials are told apart from the wallet's", async (t) => {
  const { sync, contract, simulator } = await setUp(t);
  const windows: LeasedAccount["windows"] = [{ source: "statement", from: "2026-09-29", to: "2026-09-30" }];
  simulator.rotateStatementSecret();
  const { steps, failure } = await sync({ windows, credentials: contract });
  t.like(failure, { kind: "auth_required", code: "4000" });
  t.regex(failure?.message ?? "", /statement/);
  t.is(stepsOf(steps, "balance").length, 1, "the balance was told before");
  simulator.addFault({ kind: "429" }, "statement");
  const fresh = { ...contract, madapi_client_secret: simulator.statementCredentials().clientSecret };
  t.like((await sync({ windows, credentials: fresh })).failure, { kind: "rate_limited", code: "1013" });
});
