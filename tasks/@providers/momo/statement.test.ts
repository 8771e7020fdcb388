import test from "ava";
import type { Window } from "../../@sync/platform.ts";
import { type PageStep, PagingError, WindowUnstableError } from "../../@sync/read_window.ts";
import { mapStatement, readStatementWindow } from "./statement.ts";

const window: Window = { source: "statement", from: "2026-09-01", to: "2026-09-03" };
const reading = { zone: "Africa/Kampala", currency: "UGX", msisdn: "256770000001" };

const row = (extra: Record<string, unknown> = {}) => ({
  amount: "1000",
  date: "2026-09-01",
  time: "08:00:00",
  date_column: "2026-09-01",
  time_column: "08:00:00",
  transaction_status: "Successful",
  transaction_type: "Transfer",
  from_msisdn: "256780000002",
  from_username: "Ama",
  to_msisdn: "256770000001",
  to_username: "Shop",
  fee: "0",
  balance_before: "0",
  balance_after: "1000",
  ...extra,
});

/** Serves a list that may change before each request; also counts them. */
function pagesOf(list: () => unknown[], size: number, before: (request: number) => void = () => undefined) {
  const served = { requests: 0 };
  const fetchPage = (page: number) => {
    before((served.requests += 1));
    return Promise.resolve({ rows: list().slice((page - 1) * size, page * size), total: list().length });
  };
  return { served, fetchPage };
}

const read = (fetchPage: Parameters<typeof readStatementWindow>[1], more = {}): Promise<PageStep[]> =>
  Array.fromAsync(readStatementWindow(window, fetchPage, { ...reading, ...more }));

test("a row without an id, exact and in the zone's time", (t) => {
  const [mapped] = mapStatement([row()], reading);
  t.like(mapped, { ok: true });
  if (mapped?.ok !== true) return;
  const { id, ...told } = mapped.transaction;
  t.regex(id, /^st_[\w-]{32}_1$/);
  t.deepEqual(told, {
    status: "posted",
    direction: "credit",
    amount: "1000",
    currency: "UGX",
    occurredAt: "2026-09-01T05:00:00.000Z",
    occurredOn: "2026-09-01",
    narration: "Transfer",
    category: null,
    balanceAfter: "1000",
    counterparty: "Ama",
  });
});

test("whose side the wallet is on decides the direction, and the balance where that says nothing", (t) => {
  const cases: [Record<string, unknown>, string][] = [
    [{ from_msisdn: "256770000001", to_msisdn: "256780000002" }, "debit"],
    [{ to_msisdn: "+256 77 0000001" }, "credit"],
    [{ from_msisdn: "", to_msisdn: null }, "credit"],
    [{ from_msisdn: "1", to_msisdn: "2", balance_before: "1000.50", balance_after: "1000" }, "debit"],
    [{ from_msisdn: "256770000001" }, "credit"],
  ];
  for (const [extra, direction] of cases)
    t.like(mapStatement([row(extra)], reading)[0], { transaction: { direction } });
});

test("rows that cannot be taken over are refused with a reason", (t) => {
  const cases: [unknown, string][] = [
    [null, "invalid_row"],
    ["row", "invalid_row"],
    [row({ amount: 5 }), "invalid_row"],
    [row({ amount: "1,000" }), "inexact_amount"],
    [row({ amount: "-5" }), "inexact_amount"],
    [row({ amount: null }), "inexact_amount"],
    [row({ date: "01/09/2026" }), "invalid_date"],
    [row({ time: "8 am" }), "invalid_date"],
    [row({ from_msisdn: null, to_msisdn: null, balance_after: null }), "invalid_direction"],
  ];
  for (const [given, refused] of cases) t.deepEqual(mapStatement([given], reading), [{ ok: false, refused, id: null }]);
});

test("equal rows are numbered, and any other balance makes another row", (t) => {
  const ids = mapStatement([row(), row(), row({ balance_after: "2000" })], reading).map((mapped) =>
    mapped.ok ? mapped.transaction.id : "",
  );
  const [first = "", second = "", third = ""] = ids;
  t.is(second, first.replace(/_1$/, "_2"));
  t.regex(third, /_1$/);
  t.not(third, first);
  const { amount, ...rest } = row();
  t.deepEqual(
    mapStatement([{ ...rest, amount }], reading),
    mapStatement([row()], reading),
    "whatever the order of its keys",
  );
});

test("each day is one step, and the last one completes the window, with or without rows", async (t) => {
  const rows = [row(), row({ date: "2026-09-02", amount: "5" }), row({ amount: "7" }), row({ amount: "no" })];
  const { fetchPage } = pagesOf(() => rows, 2);
  const steps = await read(fetchPage);
  t.deepEqual(
    steps.map(({ page, rows: told, refused, complete }) => [
      page,
      told.map(({ amount }) => amount),
      refused,
      complete?.ids.length,
    ]),
    [
      [1, ["1000", "7"], [], undefined],
      [2, ["5"], [], undefined],
      [3, [], ["inexact_amount"], 3],
    ],
  );
});

test("another number of records means another reading", async (t) => {
  const rows = [row({ amount: "1" }), row({ amount: "2" }), row({ amount: "3" })];
  const { fetchPage, served } = pagesOf(
    () => rows,
    2,
    (request) => void (request === 2 && rows.unshift(row({ amount: "4" }))),
  );
  const steps = await read(fetchPage);
  t.is(steps.at(-1)?.complete?.ids.length, 4);
  t.is(served.requests, 4);
});

test("equal rows on two pages are believed when they are there twice", async (t) => {
  const twins = [row({ amount: "1" }), row(), row(), row({ amount: "2" })];
  const stable = pagesOf(() => twins, 2);
  t.is((await read(stable.fetchPage)).at(-1)?.complete?.ids.length, 4);
  t.is(stable.served.requests, 4);

  // One goes at the end as one comes on top: the same number, a row met twice, and one missed.
  const list = [row({ amount: "1" }), row({ amount: "2" }), row({ amount: "3" }), row({ amount: "4" })];
  const sliding = pagesOf(
    () => list,
    2,
    (request) => {
      if (request !== 2) return;
      list.pop();
      list.unshift(row({ amount: "5" }));
    },
  );
  const told = (await read(sliding.fetchPage)).flatMap(({ rows }) => rows.map(({ amount }) => amount));
  t.deepEqual(told.toSorted(), ["1", "2", "3", "5"]);
});

test("a list that never holds still, ends early or never ends is given up", async (t) => {
  let added = 0;
  const rows: unknown[] = [row({ amount: "1" }), row({ amount: "2" })];
  const restless = pagesOf(
    () => rows,
    1,
    () => void rows.unshift(row({ amount: String((added += 10)) })),
  );
  await t.throwsAsync(read(restless.fetchPage), { instanceOf: WindowUnstableError });
  const short = () => Promise.resolve({ rows: [] as unknown[], total: 3 });
  await t.throwsAsync(read(short), { instanceOf: WindowUnstableError });
  const endless = (page: number) => Promise.resolve({ rows: [row({ amount: String(page) })], total: 99 });
  await t.throwsAsync(read(endless, { maxPages: 9 }), { instanceOf: PagingError });
});
