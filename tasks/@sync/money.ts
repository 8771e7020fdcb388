import type { Decimal, RefusalReason } from "./platform.ts";

/** Exact money, or why it was refused: an amount that is not exact is never rounded into one. */
export type Exact = { ok: true; amount: Decimal } | { ok: false; refused: RefusalReason };

const REFUSED: Exact = { ok: false, refused: "inexact_amount" };

/**
 * ISO 4217 minor digits where they are not two. Intl knows them too, but follows CLDR's habits of display, which
 * differ from ISO for some currencies and change with the runtime.
 */
const MINOR_DIGITS = new Map<string, number>([
  ...["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"].map((code) => [code, 0] as const),
  ...["UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"].map((code) => [code, 0] as const),
  ...["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"].map((code) => [code, 3] as const),
  ...["CLF", "UYW"].map((code) => [code, 4] as const),
]);

/** How many digits a currency has behind the point (NGN 2, XOF 0); null where the code is no currency code. */
export function minorDigits(currency: string): number | null {
  return /^[A-Z]{3}$/.test(currency) ? (MINOR_DIGITS.get(currency) ?? 2) : null;
}

/**
 * Major units from a whole number of the lowest unit: 500050 kobo are `5000.50` NGN. Refuses whatever is not a safe
 * integer, text included: a provider that starts to send another type has changed its mind about units as well.
 */
export function fromMinorUnits(minor: unknown, currency: string): Exact {
  const digits = minorDigits(currency);
  if (digits === null || typeof minor !== "number" || !Number.isSafeInteger(minor)) return REFUSED;
  const all = String(Math.abs(minor)).padStart(digits + 1, "0");
  const amount = digits === 0 ? all : `${all.slice(0, -digits)}.${all.slice(-digits)}`;
  return { ok: true, amount: minor < 0 ? `-${amount}` : amount };
}

/**
 * A decimal text in major units, written the one way in which we write that number: no leading zeros, and at least
 * the currency's own digits behind the point (`5`, `5.0` and `05.00` EUR are all `5.00`). Safe integers are accepted
 * too, exponents, signs other than a minus, separators and blanks are not.
 */
export function fromDecimal(value: unknown, currency: string): Exact {
  const digits = minorDigits(currency);
  const text = typeof value === "number" && Number.isSafeInteger(value) ? String(value) : value;
  // No account anywhere holds forty digits; a text that long is something else.
  if (digits === null || typeof text !== "string" || text.length > 40) return REFUSED;
  const [, sign = "", whole = "", fraction = ""] = /^(-?)0*(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === "") return REFUSED;
  const kept = fraction.replace(/0+$/, "").padEnd(digits, "0");
  const amount = kept === "" ? whole : `${whole}.${kept}`;
  return { ok: true, amount: /[1-9]/.test(amount) ? sign + amount : amount };
}

/** Less than, equal, greater: negative, 0, positive. Both are decimals as this file writes them. */
export function compareDecimals(a: Decimal, b: Decimal): number {
  const scale = Math.max(fractionOf(a).length, fractionOf(b).length);
  const difference = scaled(a, scale) - scaled(b, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

function fractionOf(decimal: Decimal): string {
  return decimal.split(".")[1] ?? "";
}

function scaled(decimal: Decimal, scale: number): bigint {
  const [whole = "0"] = decimal.split(".");
  return BigInt(whole + fractionOf(decimal).padEnd(scale, "0"));
}
