/**
 * Exact money as whole millionths of a major unit. Every amount inside the simulator is one; decimal strings exist
 * only on the wire.
 */

/** Millionths of a major unit. */
export type Micros = bigint;

const SCALE = 6;

/** Millionths in one major unit. */
export const ONE: Micros = 1_000_000n;

/** @returns null for anything but a plain decimal with at most six digits after the point. */
export function parseAmount(text: string): Micros | null {
  const match = /^(-?)(\d{1,30})(?:\.(\d{1,6}))?$/.exec(text);
  if (match === null) return null;
  const [, sign, whole = "", fraction = ""] = match;
  const value = BigInt(whole) * ONE + BigInt(fraction.padEnd(SCALE, "0"));
  return sign === "-" ? -value : value;
}

/** As MTN writes it back: no zeros at the end, so that "12.50" comes back as "12.5" (measured by third parties). */
export function formatAmount(micros: Micros): string {
  const size = micros < 0n ? -micros : micros;
  const fraction = (size % ONE).toString().padStart(SCALE, "0").replace(/0+$/, "");
  return `${micros < 0n ? "-" : ""}${size / ONE}${fraction === "" ? "" : `.${fraction}`}`;
}

/** With the currency's own number of decimals, as statements print it. More digits stay, if there are any. */
export function formatStatementAmount(micros: Micros, decimals: number): string {
  const [whole = "", fraction = ""] = formatAmount(micros).split(".");
  const padded = fraction.padEnd(decimals, "0");
  return padded === "" ? whole : `${whole}.${padded}`;
}
