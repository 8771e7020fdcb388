import test from "ava";
import fc from "fast-check";
import { LATEST_POSTING_MS } from "./ledger.ts";
import type { MomoSimulator } from "./simulator.ts";
import { NOON, startStanding } from "./test_client.ts";
import type { TrueRow } from "./truth.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const rowsOf = (simulator: MomoSimulator, apiUser: string): TrueRow[] => simulator.truth(apiUser).statementRows;

/** Millionths, so that the sums below are exact. */
const micros = (text: string): bigint => {
  const [whole = "", fraction = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole + fraction.padEnd(6, "0"));
  return text.startsWith("-") ? -size : size;
};

const effect = ({ status, direction, amount, fee }: TrueRow): bigint => {
  if (status !== "Successful") return 0n;
  return direction === "credit" ? micros(amount) : -micros(amount) - micros(fee);
};

const total = (rows: TrueRow[]): bigint => rows.reduce((sum, row) => sum + effect(row), 0n);

test("the rows of a day are the same whoever asks, whenever, and whatever else was done", async (t) => {
  const make = async (seed: string) => {
    const simulator = await startStanding({ seed });
    t.teardown(simulator.close);
    return { simulator, wallet: simulator.createWallet() };
  };
  const [one, same, other] = [await make("a"), await make("a"), await make("b")];
  t.deepEqual(one.wallet.apiUser, same.wallet.apiUser);
  t.deepEqual(one.wallet.apiKey, same.wallet.apiKey);
  same.simulator.postRow(same.wallet.apiUser, { direction: "credit", amount: "77" });
  same.simulator.createPayment(same.wallet.apiUser, { amount: "3" });
  for (const { simulator } of [one, same, other]) await simulator.moveClock({ advanceMs: 20 * DAY });
  const drawn = ({ simulator, wallet }: typeof one) =>
    rowsOf(simulator, wallet.apiUser)
      .filter(({ rowId }) => rowId.includes("#"))
      .map(({ rowId, occurredAt, visibleAt, amount, fee, status }) => ({
        rowId,
        occurredAt,
        visibleAt,
        amount,
        fee,
        status,
      }));
  t.true(drawn(one).length > 100);
  t.deepEqual(drawn(same), drawn(one));
  t.notDeepEqual(drawn(other), drawn(one));
});

test("rows appear as the clock goes on, some of them late, and none ever changes by itself", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const { apiUser } = simulator.createWallet();
  let known = new Map<string, TrueRow>();
  let late = 0;
  for (let hours = 0; hours < 24 * 40; hours += 6) {
    await simulator.moveClock({ now: NOON + hours * HOUR });
    const rows = new Map(rowsOf(simulator, apiUser).map((row) => [row.rowId, row]));
    for (const [rowId, row] of known) t.deepEqual(rows.get(rowId), row);
    late += [...rows.values()].filter(
      (row) => !known.has(row.rowId) && known.size > 0 && Date.parse(row.occurredAt) <= NOON + (hours - 6) * HOUR,
    ).length;
    known = rows;
  }
  t.true(late > 3, `${late} late rows`);
  const longest = Math.max(...[...known.values()].map((row) => Date.parse(row.visibleAt) - Date.parse(row.occurredAt)));
  t.true(longest <= LATEST_POSTING_MS);
});

test("double taps differ in their balance only, and failed ones in nothing", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const { apiUser } = simulator.createWallet({ history: { from: "2024-01-01", rowsPerDay: 4 } });
  const records = rowsOf(simulator, apiUser).map(({ record }) => record);
  const counted = (key: (record: (typeof records)[number]) => unknown) =>
    Map.groupBy(records, (record) => JSON.stringify(key(record)))
      .values()
      .filter((group) => group.length > 1)
      .toArray();
  const twins = counted(({ balance_before: _before, balance_after: _after, ...rest }) => rest);
  const identical = counted((record) => record);
  t.true(identical.length > 0);
  t.true(twins.length > identical.length);
  t.true(identical.flat().every((record) => record.transaction_status === "Failed"));
});

test("each row goes from balance to balance, the last one's is the account's, and none is below zero", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  const { apiUser } = simulator.createWallet({ balance: "5000", history: { from: "2025-01-01" } });
  t.is(simulator.truth(apiUser).balance, "5000");
  for (let days = 0; days < 400; days += 9) {
    simulator.createPayment(apiUser, { amount: "1.25" });
    await simulator.moveClock({ advanceMs: 9 * DAY + 5 * HOUR });
  }
  const truth = simulator.truth(apiUser);
  const settled = truth.statementRows.filter((row) => Date.parse(row.occurredAt) < simulator.clock.now() - 3 * DAY);
  const oldestFirst = settled.toReversed();
  for (const [index, row] of oldestFirst.entries()) {
    const before = oldestFirst[index - 1];
    if (before !== undefined) t.is(micros(row.record.balance_before), micros(before.balanceAfter), row.rowId);
    t.is(micros(row.balanceAfter), micros(row.record.balance_before) + effect(row));
    t.true(micros(row.balanceAfter) >= 0n);
  }
});

type Action = { what: string; cents: number; hours: number };

/** Control actions in random order over random times. */
const action: fc.Arbitrary<Action> = fc.record({
  what: fc.constantFrom("pay", "reject", "post", "late", "change", "fail", "remove", "wait"),
  cents: fc.integer({ min: 1, max: 9_999 }),
  hours: fc.integer({ min: 0, max: 72 }),
});

async function act(simulator: MomoSimulator, apiUser: string, { what, cents, hours }: Action) {
  const amount = `${Math.floor(cents / 100)}.${String(cents % 100).padStart(2, "0")}`;
  const now = simulator.clock.now();
  const rows = ["change", "fail", "remove"].includes(what) ? rowsOf(simulator, apiUser) : [];
  const row = rows[hours % Math.max(1, rows.length)];
  if (what === "pay") simulator.createPayment(apiUser, { amount, outcomeAfterMs: hours * HOUR });
  if (what === "reject") simulator.createPayment(apiUser, { amount, scenario: "rejected" });
  if (what === "post")
    simulator.postRow(apiUser, { direction: "debit", amount, fee: "0.01", postedAt: now + hours * HOUR });
  if (what === "late") simulator.postRow(apiUser, { direction: "credit", amount, occurredAt: now - hours * HOUR });
  if (what === "change" && row !== undefined) simulator.changeRow(apiUser, row.rowId, { amount });
  if (what === "fail" && row !== undefined) simulator.changeRow(apiUser, row.rowId, { status: "Failed" });
  if (what === "remove" && row !== undefined) simulator.removeRow(apiUser, row.rowId);
  if (what === "wait") await simulator.moveClock({ advanceMs: hours * HOUR });
}

test("whatever is posted, changed or removed: the balance is what the rows add up to", async (t) => {
  const simulator = await startStanding();
  t.teardown(simulator.close);
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 25 }), fc.integer({ min: 0, max: 9_999 }), async (actions, who) => {
      simulator.reset();
      const msisdn = `4670000${String(who).padStart(4, "0")}`;
      const { apiUser } = simulator.createWallet({ balance: "20000", msisdn, history: { from: "2026-09-20" } });
      await simulator.moveClock({ advanceMs: 3 * DAY });
      const zero = micros(simulator.truth(apiUser).balance) - total(await happened(simulator, apiUser));
      for (const step of actions) await act(simulator, apiUser, step);
      await simulator.moveClock({ advanceMs: 4 * DAY });
      t.is(micros(simulator.truth(apiUser).balance), zero + total(await happened(simulator, apiUser)));
    }),
    { numRuns: 60 },
  );
});

/** Every row whose money has moved by now, also those that the statement shows later only. */
async function happened(simulator: MomoSimulator, apiUser: string): Promise<TrueRow[]> {
  const now = simulator.clock.now();
  await simulator.moveClock({ advanceMs: LATEST_POSTING_MS });
  const later = rowsOf(simulator, apiUser);
  await simulator.moveClock({ now });
  return later.filter((row) => Date.parse(row.rowId.includes("#") ? row.occurredAt : row.visibleAt) <= now);
}
