/**
 * A number literal that JavaScript might not hold exactly: one with a fraction or an exponent, or with sixteen digits
 * and more. It always stands at the start, behind a comma or bracket, or behind a name's quote and colon: a colon alone would
 * find the seconds of each time of day (`08:00:00.500Z`). Text inside strings may match too, which costs time and nothing else.
 */
const MAYBE_INEXACT = /(?:^|"\s*:|[,[])\s*-?(?:\d+[.eE]|\d{16})/;

/**
 * JSON.parse for money. Safe integers become numbers; every other number literal stays the text that it was, so that
 * `12.50` arrives as `"12.50"` and `9007199254740993` does not arrive as its even neighbour. Throws SyntaxError.
 *
 * Only documents with such a literal pay for the reviver.
 */
export function parseExactJson(text: string): unknown {
  if (!MAYBE_INEXACT.test(text)) return JSON.parse(text);
  return JSON.parse(
    text,
    function keepExact(this: unknown, _key: string, value: unknown, context?: { source?: string }) {
      if (typeof value !== "number") return value;
      const source = context?.source;
      if (source === undefined) throw new SyntaxError("this runtime cannot tell a number's source text (Node 24 can)");
      return Number.isSafeInteger(value) && /^-?\d+$/.test(source) ? value : source;
    },
  );
}
