/**
 * A row as Postgres reads it into a composite type, nothing but text and nulls in the type's order
 * (https://www.postgresql.org/docs/current/rowtypes.html#ROWTYPES-IO-SYNTAX). The driver writes arrays, and knows no rows.
 */
export const compositeRow = (values: readonly (string | null)[]): string => `(${values.map(field).join(",")})`;

/** Nothing at all is null, so that an empty text has to be quoted. */
const field = (value: string | null): string => {
  if (value === null) return "";
  return value === "" || NEEDS_QUOTES.test(value) ? `"${value.replace(ESCAPED, "\\$&")}"` : value;
};

const NEEDS_QUOTES = /[\s"\\(),]/;
const ESCAPED = /["\\]/g;
