import test from "ava";
import fc from "fast-check";
import { formatAmount, formatStatementAmount, parseAmount } from "./amount.ts";

test("what is parsed comes back without zeros at the end", (t) => {
  for (const [given, told] of [
    ["12.50", "12.5"],
    ["5.00", "5"],
    ["0.10", "0.1"],
    ["-3.000001", "-3.000001"],
    ["007", "7"],
  ] as const) {
    t.is(formatAmount(parseAmount(given) ?? 0n), told);
  }
  for (const wrong of ["", "1.", ".5", "1e3", "+1", "1,5", "0.0000001", "NaN"]) t.is(parseAmount(wrong), null);
  t.is(formatStatementAmount(1_500_000n, 2), "1.50");
  t.is(formatStatementAmount(-7_000_000n, 0), "-7");
});

test("no amount is changed by writing and reading it", (t) => {
  t.notThrows(() =>
    fc.assert(
      fc.property(fc.bigInt(-(10n ** 24n), 10n ** 24n), (micros) => parseAmount(formatAmount(micros)) === micros),
    ),
  );
});
