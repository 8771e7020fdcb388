import test from "ava";
import { array, assert, nat, property } from "fast-check";
import { DAY_MS, dayNumber } from "./lagos.ts";
import { BankLedger, type LedgerOptions, type LedgerView } from "./ledger.ts";

const START = Date.parse("2026-10-01T08:00:00.000Z");

const open = (options: Partial<LedgerOptions> = {}): BankLedger =>
  new BankLedger({
    seed: "s",
    account: 0,
    fromDay: dayNumber(START) - 30,
    perWeek: 20,
    lateShare: 0.2,
    dateStyle: "mixed",
    ...options,
  });

const at = (ledger: BankLedger, time: number, revision = Infinity): LedgerView => ledger.view({ time, revision });

test("one seed, one history; another seed or account, another", (t) => {
  const view = at(open(), START);
  t.true(view.rows.length > 50);
  t.deepEqual(at(open(), START), view);
  t.notDeepEqual(at(open({ seed: "z" }), START).rows, view.rows);
  t.notDeepEqual(at(open({ account: 1 }), START).rows, view.rows);
});

test("however the clock gets there, the ledger is the same", (t) => {
  assert(
    property(array(nat(3 * DAY_MS), { maxLength: 12 }), nat(200), (steps, perWeek) => {
      const jumper = open({ perWeek });
      const walker = open({ perWeek });
      let now = START;
      for (const step of steps) {
        now += step;
        at(walker, now);
      }
      t.deepEqual(at(walker, now), at(jumper, now));
      // And what was seen on the way can be seen again.
      t.deepEqual(at(jumper, START), at(open({ perWeek }), START));
    }),
    { numRuns: 60 },
  );
});

test("a row shows up at its moment, late ones later, all within two days; and a share of them is late", (t) => {
  const ledger = open();
  const end = START + 20 * DAY_MS;
  const { rows } = at(ledger, end);
  t.true(rows.every(({ visibleAt }) => visibleAt <= end));
  const lags = rows.map(({ date, visibleAt }) => visibleAt - Date.parse(date));
  t.true(lags.every((lag) => lag < 3 * DAY_MS));
  const late = rows.find(({ date, visibleAt }) => visibleAt - Date.parse(date) > DAY_MS);
  if (late === undefined) return t.fail("no late row");
  t.false(at(ledger, late.visibleAt - 1).rows.some(({ key }) => key === late.key));
  return t.true(at(ledger, late.visibleAt).rows.some(({ key }) => key === late.key));
});

test("rows are newest first and their balances add up in the order of posting", (t) => {
  const ledger = open();
  const { rows, balance } = at(ledger, START);
  t.deepEqual(
    rows.map(({ date }) => date),
    rows.map(({ date }) => date).toSorted((a, b) => (a < b ? 1 : -1)),
  );
  const posted = rows.toSorted((a, b) => a.visibleAt - b.visibleAt || (a.key < b.key ? -1 : 1));
  let running = balance - posted.reduce((sum, row) => sum + (row.type === "credit" ? row.amount : -row.amount), 0n);
  for (const row of posted) {
    running += row.type === "credit" ? row.amount : -row.amount;
    if (row.balance !== null) t.is(row.balance, running, row.key);
  }
  t.is(running, balance);
  t.true(rows.some((row) => row.balance === null));
});

test("earlier states stay readable, by time and by revision", (t) => {
  const ledger = open();
  const before = at(ledger, START, 0);
  const [top] = before.rows;
  if (top === undefined) return t.fail("empty ledger");
  const key = ledger.add(
    { amount: 5n, type: "debit", narration: "X", category: null, date: new Date(START).toISOString() },
    { at: START, revision: 1, visibleAt: START, id: null },
  );
  ledger.change(top.key, { narration: "changed" }, START, 2);
  ledger.remove(key, START, 3);
  t.deepEqual(at(ledger, START, 0), before);
  t.is(at(ledger, START, 1).balance, before.balance - 5n);
  t.is(at(ledger, START, 2).rows.find((row) => row.key === top.key)?.narration, "changed");
  t.is(at(ledger, START, 3).balance, before.balance);
  t.is(at(ledger, START, 3).rows.length, before.rows.length);
  ledger.restore(key, START + 1, 4);
  t.is(at(ledger, START).rows.length, before.rows.length);
  return t.is(at(ledger, START + 1).rows.length, before.rows.length + 1);
});

test("rows added in one moment keep their order, whether somebody looks in between or not", (t) => {
  const [looked, unseen] = [open(), open()];
  for (let revision = 1; revision <= 12; revision += 1) {
    for (const ledger of [looked, unseen]) {
      const date = new Date(START).toISOString();
      const added = { at: START, revision, visibleAt: START, id: null };
      ledger.add({ amount: BigInt(revision), type: "credit", narration: null, category: null, date }, added);
    }
    at(looked, START);
  }
  t.deepEqual(at(unseen, START), at(looked, START));
  const amounts = at(unseen, START).rows.map(({ amount }) => amount);
  t.deepEqual(amounts.slice(0, 3), [12n, 11n, 10n]);
});

test("perWeek sets the pace, and 0 is silence", (t) => {
  const count = (perWeek: number): number => at(open({ perWeek, fromDay: dayNumber(START) - 700 }), START).rows.length;
  t.is(count(0), 0);
  t.true(Math.abs(count(14) - 1_400) < 160, `${count(14)}`);
  t.true(Math.abs(count(700) - 70_000) < 2_000, `${count(700)}`);
});
