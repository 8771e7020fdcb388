import test, { type ExecutionContext } from "ava";
import type { Fault, FaultKind } from "../../scripts/simulators/faults.ts";
import { startMomoSimulator } from "../../scripts/simulators/momo/simulator.ts";
import { startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { addDays, dayIn } from "../@sync/days.ts";
import type {
  FailureKind,
  IncomingTransaction,
  LeasedAccount,
  OpenReference,
  Source,
  SyncStep,
  Window,
} from "../@sync/platform.ts";
import { createMomoPlatform } from "./momo/platform.ts";
import { createMonoPlatform } from "./mono/platform.ts";
import { contractCases, runToEnd, secretsIn, type Subject } from "./testing/contract_cases.ts";
import { lastState, leasedAccount, rowsOf, run, stepsOf, type TestContext, testContext } from "./testing/runs.ts";

const NOW = "2026-09-30T12:00:00.000Z";
const TODAY = "2026-09-30";
const HISTORY_DAYS = 120;

type Options = { empty?: boolean; deadlineMs?: number };

/** One platform before its simulator, and the few things that cannot be said of both in the same words. */
type Fixture = Subject & {
  clock: TestContext;
  /** All that the provider would tell now, in our words. Statement rows have no id there, so theirs is left out. */
  truth(): { rows: Omit<IncomingTransaction, "id">[]; ids: string[] | null; balance: string };
  addFault(fault: Fault): void;
  /** Part of the path of the request that every run begins with, once a token is there. */
  firstRequest: string;
  /** Spoils the list that the account's windows are read from: it changes between its first and its second page. */
  shift(): Partial<Subject>;
  /** Makes the provider send rows that cannot be taken over; answers the reasons that they should be refused for. */
  spoilRows(): { reasons: string[]; account: LeasedAccount };
  /** The account's own access ends; our key stays good. */
  endAccess(): void;
  /** The same platform with a key of ours that the provider refuses. */
  ourKeyWrong: { platform: Subject["platform"]; account: LeasedAccount };
  nextRequest(path: string): Promise<unknown>;
  bugs(): string[];
};

function windowsOf(source: Source): Window[] {
  const windows: Window[] = [];
  for (let from = addDays(TODAY, -HISTORY_DAYS); from <= TODAY; from = addDays(from, 40)) {
    const to = addDays(from, 39);
    windows.push({ source, from, to: to < TODAY ? to : TODAY });
  }
  return windows;
}

const newestOf = (account: LeasedAccount): LeasedAccount => ({ ...account, windows: account.windows.slice(-1) });

async function setUpMono(t: ExecutionContext, { empty = false, deadlineMs = 5_000 }: Options = {}): Promise<Fixture> {
  const clock = testContext(NOW);
  const simulator = await startMonoSimulator({
    seed: "conformance",
    now: () => clock.now().getTime(),
    secretKey: "test_sk_conformance1",
  });
  const id = simulator.createAccount(
    empty ? { perWeek: 0, historyDays: HISTORY_DAYS } : { perWeek: 40, historyDays: HISTORY_DAYS },
  );
  const number = simulator.state().accounts[0]?.number ?? "";
  const make = (secretKey: string) => createMonoPlatform({ baseUrl: simulator.url, secretKey, deadlineMs });
  const platform = make(simulator.secretKey);
  const wrong = make("test_sk_wrong_key_12345");
  t.teardown(async () => {
    await Promise.all([platform.close(), wrong.close()]);
    await simulator.close();
  });
  const account = leasedAccount("mono", { externalId: id, windows: windowsOf("mono") });
  const kobo = (amount: bigint) => {
    const digits = String(amount < 0n ? -amount : amount).padStart(3, "0");
    return `${amount < 0n ? "-" : ""}${digits.slice(0, -2)}.${digits.slice(-2)}`;
  };
  return {
    platform,
    account,
    clock,
    wrongKey: { platform: wrong, account },
    ourKeyWrong: { platform: wrong, account },
    unknownAccount: { ...account, externalId: "ffffffffffffffffffffffff" },
    context: (signal = clock.signal) => ({ ...clock, signal }),
    freshContext: () => testContext(NOW),
    waitUntil(instant) {
      clock.set(instant);
      return Promise.resolve();
    },
    secrets: [simulator.secretKey, "test_sk_wrong_key_12345", number],
    truth() {
      const { transactions, balance, currency } = simulator.truth(id);
      const listed = transactions.filter(({ day }) => day >= addDays(TODAY, -HISTORY_DAYS) && day <= TODAY);
      return {
        balance: kobo(balance),
        ids: listed.map((row) => row.id),
        rows: listed.map((row) => ({
          status: "posted",
          direction: row.type,
          amount: kobo(row.amount),
          currency,
          occurredAt: row.date,
          occurredOn: row.day,
          narration: row.narration,
          category: row.category === "unknown" ? null : row.category,
          balanceAfter: row.balance === null ? null : kobo(row.balance),
          counterparty: null,
        })),
      };
    },
    addFault: (fault) => simulator.addFault(fault),
    firstRequest: "/transactions",
    shift() {
      simulator.shift({ account: id, afterPage: 1, change: "insert" });
      return {};
    },
    spoilRows() {
      const [first, second, third, fourth] = simulator.truth(id).transactions.map((row) => row.id);
      simulator.changeTransaction(id, first ?? "", { raw: { id: null } });
      simulator.changeTransaction(id, second ?? "", { raw: { amount: 12.5 } });
      simulator.changeTransaction(id, third ?? "", { raw: { date: "yesterday" } });
      simulator.changeTransaction(id, fourth ?? "", { raw: { type: "sideways" } });
      return {
        reasons: ["missing_id", "inexact_amount", "invalid_date", "invalid_direction"],
        account: newestOf(account),
      };
    },
    endAccess: () => simulator.addFault({ kind: "401", match: { segment: id }, times: 9 }),
    nextRequest: (path) => simulator.nextRequest({ path: new RegExp(path) }),
    bugs: () => simulator.state().bugs,
  };
}

async function setUpMomo(t: ExecutionContext, { empty = false, deadlineMs = 5_000 }: Options = {}): Promise<Fixture> {
  const clock = testContext(NOW);
  const simulator = await startMomoSimulator({
    seed: "conformance",
    now: () => clock.now().getTime(),
    rateLimit: null,
    statementRateLimit: null,
  });
  const wallet = simulator.createWallet(
    empty ? { history: false } : { history: { from: addDays(TODAY, -HISTORY_DAYS), rowsPerDay: 6 } },
  );
  const statementBaseUrl = simulator.statementUrl;
  const make = (subscriptionKey: string) =>
    createMomoPlatform({ subscriptionKey, statementBaseUrl, deadlineMs, tokenDeadlineMs: deadlineMs });
  const platform = make(wallet.subscriptionKey);
  const wrong = make("0123456789abcdef0123456789abcdef");
  t.teardown(async () => {
    await Promise.all([platform.close(), wrong.close()]);
    await simulator.close();
  });
  const payments = empty
    ? []
    : [
        simulator.createPayment(wallet.apiUser, {
          amount: "12.50",
          payeeNote: "Order 12",
          payer: "46733123454",
          outcomeAfterMs: 0,
        }),
        simulator.createPayment(wallet.apiUser, { amount: "5", payer: "46733123451", payerMessage: "Groceries" }),
        simulator.createPayment(wallet.apiUser, { amount: "7.05", payer: "46733123453" }),
        simulator.createPayment(wallet.apiUser, { amount: "20", operation: "requesttowithdraw", outcomeAfterMs: 0 }),
      ];
  const tracked = payments.map(
    ({ referenceId, operation, baseUrl, targetEnvironment, requestedAt }): OpenReference => ({
      referenceId,
      operation,
      baseUrl,
      targetEnvironment,
      requestedAt,
    }),
  );
  const credentials = {
    momo_api_key: wallet.apiKey,
    madapi_client_id: wallet.statement.clientId,
    madapi_client_secret: wallet.statement.clientSecret,
    madapi_api_key: wallet.statement.apiKey,
    msisdn: wallet.msisdn,
  };
  const account = leasedAccount("mtn_momo", {
    externalId: wallet.apiUser,
    currency: wallet.currency,
    baseUrl: wallet.baseUrl,
    targetEnvironment: wallet.targetEnvironment,
    credentials,
    windows: windowsOf("statement"),
    openReferences: tracked,
  });
  const statuses: Record<string, IncomingTransaction["status"]> = {
    SUCCESSFUL: "posted",
    Successful: "posted",
    FAILED: "failed",
    Failed: "failed",
  };
  const twoDecimals = (amount: string) => {
    const [whole = "", fraction = ""] = amount.split(".");
    return `${whole}.${fraction.padEnd(2, "0")}`;
  };
  return {
    platform,
    account,
    clock,
    wrongKey: { platform, account: { ...account, credentials: { ...credentials, momo_api_key: "0".repeat(32) } } },
    ourKeyWrong: { platform: wrong, account },
    unknownAccount: { ...account, externalId: "00000000-0000-4000-8000-00000000dead" },
    context: (signal = clock.signal) => ({ ...clock, signal }),
    freshContext: () => testContext(NOW),
    waitUntil: () => Promise.reject(new Error("MoMo never suspends a run")),
    secrets: [
      wallet.apiKey,
      wallet.subscriptionKey,
      wallet.msisdn,
      wallet.statement.clientSecret,
      wallet.statement.apiKey,
    ],
    truth() {
      const truth = simulator.truth(wallet.apiUser);
      const statement = truth.statementRows.map(
        ({ direction, day, occurredAt, record }): Omit<IncomingTransaction, "id"> => ({
          status: statuses[record.transaction_status] ?? "pending",
          direction,
          amount: record.amount,
          currency: truth.currency,
          occurredAt,
          occurredOn: day,
          narration: record.transaction_type,
          category: null,
          balanceAfter: record.balance_after,
          counterparty:
            direction === "credit"
              ? record.from_username || record.from_msisdn
              : record.to_username || record.to_msisdn,
        }),
      );
      const paid = truth.payments.map((payment, index): Omit<IncomingTransaction, "id"> => ({
        status: statuses[payment.status] ?? "pending",
        direction: "credit",
        amount: twoDecimals(payment.amount),
        currency: payment.currency,
        occurredAt: payment.createdAt,
        occurredOn: dayIn("Etc/UTC", payment.createdAt),
        narration: ["Order 12", "Groceries"][index] ?? null,
        category: null,
        balanceAfter: null,
        counterparty: payment.payer,
      }));
      return { balance: twoDecimals(truth.balance), ids: null, rows: [...statement, ...paid] };
    },
    addFault: (fault) => simulator.addFault(fault),
    firstRequest: tracked.length > 0 ? "/requestto" : "/account/balance",
    shift() {
      // Every page of the statement asks for its token first: between two pages is when it is asked the second time.
      let pages = 0;
      return {
        context: () => ({
          ...clock,
          tokens: (purpose) => ({
            ...clock.tokens(purpose),
            get(mint) {
              if (purpose === "statement" && (pages += 1) === 2)
                simulator.postRow(wallet.apiUser, { direction: "credit", amount: "1" });
              return clock.tokens(purpose).get(mint);
            },
          }),
        }),
      };
    },
    spoilRows() {
      simulator.addFault({ kind: "wrong_type", match: { segment: tracked[0]?.referenceId ?? "" } });
      return { reasons: ["invalid_row"], account: { ...account, windows: [] } };
    },
    endAccess: () => simulator.revoke(wallet.apiUser),
    nextRequest: (path) => simulator.nextRequest((request) => request.path.includes(path)),
    bugs: () => Object.values(simulator.state().hosts).flatMap(({ bugs }) => bugs),
  };
}

const platforms: [string, (t: ExecutionContext, options?: Options) => Promise<Fixture>][] = [
  ["mono", setUpMono],
  ["mtn_momo", setUpMomo],
];

/** Each fault, what it must be told as, and where the two platforms differ. */
const faults: [FaultKind, FailureKind][] = [
  ["429", "rate_limited"],
  ["429_retry_after", "rate_limited"],
  ["500", "transient"],
  ["503", "provider_down"],
  ["html", "provider_down"],
  ["cut", "transient"],
  ["cut_midway", "transient"],
  ["hang", "transient"],
  ["malformed", "invalid_response"],
  ["wrong_type", "invalid_response"],
  ["huge", "invalid_response"],
  ["empty", "invalid_response"],
  ["null", "invalid_response"],
];

for (const [name, setUp] of platforms) {
  for (const { title, check } of contractCases) {
    test(`${name}: ${title}`, async (t) => {
      const fixture = await setUp(t);
      t.deepEqual(await check(fixture), []);
      t.deepEqual(fixture.bugs(), []);
    });
  }

  test(`${name}: the whole history equals the truth, field by field`, async (t) => {
    const fixture = await setUp(t);
    const { steps, failure } = await runToEnd(fixture);
    t.is(failure, null);
    const truth = fixture.truth();
    const rows = rowsOf(steps);
    const inOrder = (list: object[]) => list.map((row) => JSON.stringify(row)).toSorted();
    t.true(rows.length > 300, `${rows.length} rows`);
    t.true(stepsOf(steps, "page").length > fixture.account.windows.length, "some window has several pages");
    t.deepEqual(inOrder(rows.map(({ id: _id, ...row }) => row)), inOrder(truth.rows));
    t.is(new Set(rows.map(({ id }) => id)).size, rows.length);
    if (truth.ids !== null) t.deepEqual(rows.map(({ id }) => id).toSorted(), truth.ids.toSorted());
    t.is(stepsOf(steps, "balance").at(-1)?.amount, truth.balance);
    t.deepEqual(
      stepsOf(steps, "data_as_of").map(({ asOf }) => asOf),
      [NOW],
    );
    const complete = stepsOf(steps, "page").filter((step) => step.complete !== null);
    t.deepEqual(
      complete.map(({ window }) => window.from).toSorted(),
      fixture.account.windows.map(({ from }) => from),
    );
    t.true(complete.every((step) => step.complete?.settles));
    const told = stepsOf(steps, "page").flatMap((step) => step.rows.map(({ id }) => id));
    t.true(told.every((id) => complete.some((step) => step.complete?.ids.includes(id))));
  });

  test(`${name}: an empty account is a complete one`, async (t) => {
    const fixture = await setUp(t, { empty: true });
    const { steps, failure } = await runToEnd(fixture);
    t.is(failure, null);
    t.deepEqual(rowsOf(steps), []);
    t.deepEqual(
      stepsOf(steps, "page").map(({ complete }) => complete),
      fixture.account.windows.map(() => ({ ids: [], settles: true })),
    );
    t.is(stepsOf(steps, "balance").length, 1);
  });

  test(`${name}: a list that shifts while it is read is read again, and complete in the end`, async (t) => {
    const fixture = await setUp(t);
    const window = { source: fixture.account.windows[0]?.source ?? "mono", from: addDays(TODAY, -60), to: TODAY };
    const account = { ...fixture.account, windows: [window], openReferences: [] };
    await runToEnd({ ...fixture, account });
    fixture.clock.requests();
    const still = await runToEnd({ ...fixture, account });
    const usual = fixture.clock.requests();
    const shifted = await runToEnd({ ...fixture, account, ...fixture.shift() });
    t.is(shifted.failure, null);
    const complete = (steps: SyncStep[]) =>
      stepsOf(steps, "page").find((step) => step.complete !== null)?.complete?.ids ?? [];
    t.is(complete(shifted.steps).length, complete(still.steps).length + 1);
    // What was told since the window began for the last time is all that there is.
    const pages = stepsOf(shifted.steps, "page");
    const told = rowsOf(pages.slice(pages.findLastIndex(({ page }) => page === 1)));
    const isInWindow = ({ occurredOn, balanceAfter }: Omit<IncomingTransaction, "id">) =>
      occurredOn >= window.from && (window.source === "mono" || balanceAfter !== null);
    t.is(told.length, fixture.truth().rows.filter(isInWindow).length);
    t.true(fixture.clock.requests() > usual, "it was read more than once");
  });

  test(`${name}: a quiet sync is one request`, async (t) => {
    const fixture = await setUp(t, { empty: true });
    const account = name === "mono" ? newestOf(fixture.account) : { ...fixture.account, windows: [] };
    const first = await runToEnd({ ...fixture, account });
    // Mono's empty list is read again after the details.
    t.is(fixture.clock.requests(), name === "mono" ? 3 : 2, "the details or the token, and the data");
    fixture.clock.advance(40 * 60);
    const second = await runToEnd({ ...fixture, account }, lastState(first.steps));
    t.is(second.failure, null);
    t.is(fixture.clock.requests(), 1);
  });

  test(`${name}: rows that cannot be taken over are refused with a reason, and cost only themselves`, async (t) => {
    const fixture = await setUp(t);
    const before = rowsOf(
      (await runToEnd({ ...fixture, account: { ...newestOf(fixture.account), openReferences: [] } })).steps,
    );
    const { reasons, account } = fixture.spoilRows();
    fixture.clock.advance(600);
    const { steps, failure } = await runToEnd({ ...fixture, account });
    t.is(failure, null);
    const refused = steps.flatMap((step) => (step.kind === "page" || step.kind === "references" ? step.refused : []));
    t.deepEqual([...refused].toSorted(), reasons.toSorted());
    t.true(rowsOf(steps).length >= (account.windows.length === 0 ? 3 : before.length - reasons.length));
    if (account.windows.length > 0) t.true(stepsOf(steps, "page").at(-1)?.complete?.settles, "they block no window");
  });

  test(`${name}: our key refused is our trouble, the account's access refused is its owner's`, async (t) => {
    const fixture = await setUp(t);
    const ours = await run(fixture.ourKeyWrong.platform, fixture.ourKeyWrong.account, fixture.context());
    t.is(ours.failure?.kind, "configuration");
    fixture.endAccess();
    const theirs = await run(fixture.platform, fixture.account, fixture.context());
    t.is(theirs.failure?.kind, "auth_required");
    t.deepEqual(secretsIn([ours, theirs], fixture.secrets), []);
  });

  test(`${name}: stopped in the middle of a request, a run is interrupted`, async (t) => {
    const fixture = await setUp(t);
    fixture.addFault({ kind: "hang", match: { path: fixture.firstRequest } });
    const stop = new AbortController();
    const arrived = fixture.nextRequest(fixture.firstRequest);
    const running = run(fixture.platform, fixture.account, fixture.context(stop.signal));
    await arrived;
    stop.abort();
    t.is((await running).failure?.kind, "interrupted");
  });

  for (const [fault, kind] of faults) {
    test(`${name}: ${fault} is ${kind}, tells no row and shows no secret`, async (t) => {
      const fixture = await setUp(t, { empty: true, ...(fault === "hang" ? { deadlineMs: 500 } : {}) });
      fixture.addFault({ kind: fault, match: { path: fixture.firstRequest }, retryAfterSeconds: 7 });
      const { steps, failure, error } = await run(fixture.platform, fixture.account, fixture.context());
      t.is(failure?.kind, kind, failure?.message);
      t.deepEqual(rowsOf(steps), []);
      t.deepEqual(stepsOf(steps, "balance"), []);
      t.true(failure !== null && failure.message.length <= 200);
      t.deepEqual(secretsIn([error, failure], fixture.secrets), []);
      if (fault === "429_retry_after") t.is(failure?.retryAt, "2026-09-30T12:00:07.000Z");
      if (fault !== "hang") t.is((await runToEnd(fixture)).failure, null, "the next run is well again");
    });
  }
}
