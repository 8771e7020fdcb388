/** How Postgres values become JavaScript values, in every connection of ours. */

import { TypeOverrides, types } from "pg";

/** pg.types.builtins knows these by name only as scalars. */
const arrayOf = { int8: 1016, numeric: 1231, timestamp: 1115, date: 1182, timestamptz: 1185, interval: 1187 };

/**
 * For `new Client({ types: columnTypes })` and pools alike. numeric, int8, dates, times and intervals arrive as the text
 * that Postgres wrote, also in arrays (which pg would turn into Dates and, of all things for money, floats): a Date would
 * bring in the machine's time zone and lose microseconds. json is parsed, so money inside json must be text already.
 */
export const columnTypes = new TypeOverrides();

const { DATE, INTERVAL, TIMESTAMP, TIMESTAMPTZ } = types.builtins;
for (const oid of [DATE, INTERVAL, TIMESTAMP, TIMESTAMPTZ]) columnTypes.setTypeParser(oid, (text) => text);
for (const oid of Object.values(arrayOf)) columnTypes.setTypeParser(oid, textArray);

/** `{1.10,NULL}` and `{"2026-01-31 10:00:00+00"}`: one dimension, and nothing in these types needs a quote of its own. */
function textArray(text: string): (string | null)[] {
  return [...text.matchAll(/"([^"]*)"|[^{},]+/g)].map(([item, quoted]) => quoted ?? (item === "NULL" ? null : item));
}
