import test from "ava";
import fc from "fast-check";
import { compareDecimals, fromDecimal, fromMinorUnits, minorDigits } from "./money.ts";

const REFUSED = { ok: false, refused: "inexact_amount" } as const;
const exactly = (amount: string) => ({ ok: true, amount }) as const;

test("minor digits are the currency's", (t) => {
  t.is(minorDigits("NGN"), 2);
  for (const code of ["XOF", "XAF", "GNF", "UGX", "RWF"]) t.is(minorDigits(code), 0, code);
  t.is(minorDigits("TND"), 3);
  for (const code of ["", "ngn", "NAIRA", "N1"]) t.is(minorDigits(code), null, code);
});

test("whole minor units become exact major units", (t) => {
  t.deepEqual(fromMinorUnits(500_050, "NGN"), exactly("5000.50"));
  t.deepEqual(fromMinorUnits(5, "NGN"), exactly("0.05"));
  t.deepEqual(fromMinorUnits(-5, "NGN"), exactly("-0.05"));
  t.deepEqual(fromMinorUnits(0, "NGN"), exactly("0.00"));
  t.deepEqual(fromMinorUnits(-0, "NGN"), exactly("0.00"));
  t.deepEqual(fromMinorUnits(7000, "XOF"), exactly("7000"));
  t.deepEqual(fromMinorUnits(Number.MAX_SAFE_INTEGER, "NGN"), exactly("90071992547409.91"));
});

test("what is not a safe whole number of a known unit is refused", (t) => {
  for (const minor of [1.5, NaN, Infinity, 2 ** 53, 1e21, "500", "5e3", 5n, null, undefined, {}, true]) {
    t.deepEqual(fromMinorUnits(minor, "NGN"), REFUSED);
  }
  t.deepEqual(fromMinorUnits(500, "naira"), REFUSED);
});

test("minor units come back digit by digit", (t) => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), fc.constantFrom("NGN", "XOF", "TND"), (minor, currency) => {
      const money = fromMinorUnits(minor, currency);
      if (!money.ok) return false;
      return BigInt(money.amount.replace(".", "")) === BigInt(minor) && /^-?\d+(\.\d+)?$/.test(money.amount);
    }),
  );
  t.pass();
});

test("a decimal is written in one way only", (t) => {
  for (const text of ["5", "5.0", "5.00", "05.000", 5]) t.deepEqual(fromDecimal(text, "EUR"), exactly("5.00"));
  t.deepEqual(fromDecimal("12.5", "EUR"), exactly("12.50"));
  t.deepEqual(fromDecimal("12.505", "EUR"), exactly("12.505"), "finer than a cent, and exact");
  t.deepEqual(fromDecimal("7000.00", "XOF"), exactly("7000"));
  t.deepEqual(fromDecimal("-0.10", "EUR"), exactly("-0.10"));
  t.deepEqual(fromDecimal("-0.00", "EUR"), exactly("0.00"));
});

test("what is no plain decimal is refused", (t) => {
  const texts = [
    "",
    " 5",
    "5 ",
    "+5",
    "1e3",
    "1,000.00",
    "5.",
    ".5",
    "NaN",
    "Infinity",
    "0x10",
    "٥",
    "--5",
    "9".repeat(41),
  ];
  for (const value of [...texts, 1.5, NaN, 2 ** 53, null, undefined, {}])
    t.deepEqual(fromDecimal(value, "EUR"), REFUSED);
});

test("equal numbers are written equally, and order follows the number", (t) => {
  const decimal = fc.tuple(fc.bigInt({ min: -(10n ** 20n), max: 10n ** 20n }), fc.integer({ min: 0, max: 8 }));
  fc.assert(
    fc.property(decimal, decimal, (a, b) => {
      const [x, y] = [fromDecimal(written(a), "EUR"), fromDecimal(written(b), "EUR")];
      if (!x.ok || !y.ok) return false;
      const difference = a[0] * 10n ** BigInt(8 - a[1]) - b[0] * 10n ** BigInt(8 - b[1]);
      const order = compareDecimals(x.amount, y.amount);
      return (
        Math.sign(order) === (difference < 0n ? -1 : difference > 0n ? 1 : 0) &&
        (x.amount === y.amount) === (difference === 0n)
      );
    }),
  );
  t.pass();
});

function written([value, scale]: [bigint, number]): string {
  const digits = String(value < 0n ? -value : value).padStart(scale + 1, "0");
  const sign = value < 0n ? "-" : "";
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
