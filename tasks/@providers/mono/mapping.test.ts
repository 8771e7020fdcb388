import test from "ava";
import fc from "fast-check";
import { mapMonoRow } from "./mapping.ts";

const row = (extra: Record<string, unknown> = {}) => ({
  id: "66141bbff58d2687e7d91234",
  narration: "NIP TRANSFER TO ADA",
  amount: 500_000,
  type: "debit",
  balance: 1_500_000,
  date: "2026-04-10T23:30:00.500Z",
  category: "groceries",
  ...extra,
});

test("a row as Mono sends it, on its day in Lagos", (t) => {
  t.deepEqual(mapMonoRow(row(), "NGN"), {
    ok: true,
    transaction: {
      id: "66141bbff58d2687e7d91234",
      status: "posted",
      direction: "debit",
      amount: "5000.00",
      currency: "NGN",
      occurredAt: "2026-04-10T23:30:00.500Z",
      occurredOn: "2026-04-11",
      narration: "NIP TRANSFER TO ADA",
      category: "groceries",
      balanceAfter: "15000.00",
      counterparty: null,
    },
  });
});

test("what third parties have seen missing, null or spelled otherwise is taken as it comes", (t) => {
  const nothing = row({ narration: null, category: null, balance: null });
  t.like(mapMonoRow(nothing, "NGN"), { transaction: { narration: null, category: null, balanceAfter: null } });
  t.like(mapMonoRow({ _id: "x", amount: 1, type: "CREDIT", date: "2026-04-10T00:00:00Z" }, "NGN"), {
    transaction: { id: "x", direction: "credit", amount: "0.01", narration: null },
  });
  t.like(mapMonoRow(row({ category: "Unknown" }), "NGN"), { transaction: { category: null } });
  t.like(mapMonoRow(row({ currency: "xof", amount: 700 }), "NGN"), { transaction: { currency: "XOF", amount: "700" } });
  t.like(mapMonoRow(row({ id: 17 }), "NGN"), { transaction: { id: "17" } });
  t.like(mapMonoRow(row({ balance: "12.5", extra: { unknown: [] } }), "NGN"), { transaction: { balanceAfter: null } });
  t.like(mapMonoRow(row({ balance: -100 }), "NGN"), { transaction: { balanceAfter: "-1.00" } });
});

test("rows that cannot be taken over are refused with a reason, and keep their id", (t) => {
  const id = "66141bbff58d2687e7d91234";
  const cases: [unknown, string, string | null][] = [
    [null, "invalid_row", null],
    ["row", "invalid_row", null],
    [row({ narration: 7 }), "invalid_row", id],
    [row({ id: null }), "missing_id", null],
    [row({ id: " " }), "missing_id", null],
    [row({ id: "\0" }), "missing_id", null],
    [row({ amount: "12.50" }), "inexact_amount", id],
    [row({ amount: "9007199254740993" }), "inexact_amount", id],
    [row({ amount: -5 }), "inexact_amount", id],
    [row({ amount: null }), "inexact_amount", id],
    [row({ currency: "naira" }), "inexact_amount", id],
    [row({ type: "reversal" }), "invalid_direction", id],
    [row({ type: null }), "invalid_direction", id],
    [row({ date: "10-04-2026" }), "invalid_date", id],
    [row({ date: "2026-04-10T00:00:00" }), "invalid_date", id],
    [row({ date: null }), "invalid_date", id],
  ];
  for (const [given, refused, kept] of cases) t.deepEqual(mapMonoRow(given, "NGN"), { ok: false, refused, id: kept });
});

test("whatever comes, it is an exact row or a reason, never an error", (t) => {
  const anything = fc.oneof(
    fc.anything(),
    fc.record({
      id: fc.anything(),
      amount: fc.oneof(fc.maxSafeInteger(), fc.anything()),
      type: fc.constantFrom("debit", "credit", "x", null),
      date: fc.oneof(
        fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
        fc.string(),
      ),
      narration: fc.option(fc.string({ unit: "binary" })),
      balance: fc.anything(),
      currency: fc.constantFrom("NGN", "XOF", undefined, "??"),
    }),
  );
  fc.assert(
    fc.property(anything, (given) => {
      const mapped = mapMonoRow(given, "NGN");
      if (!mapped.ok) return mapped.refused.length > 0;
      const { amount, id, occurredOn, narration } = mapped.transaction;
      return (
        /^\d+(\.\d+)?$/.test(amount) &&
        id !== "" &&
        /^\d{4}-\d\d-\d\d$/.test(occurredOn) &&
        narration?.includes("\0") !== true
      );
    }),
    { numRuns: 500 },
  );
  t.pass();
});
