import test from "ava";
import fc from "fast-check";
import { withDb } from "../testing/database.ts";
import { valueOf } from "../testing/ask.ts";
import { compositeRow } from "./composite.ts";

const awkward = fc.array(
  fc.constantFrom(
    "",
    " ",
    "\t",
    "\n",
    '"',
    '""',
    "\\",
    "\\\\",
    "(",
    ")",
    ",",
    "{",
    "}",
    "'",
    "NULL",
    "null",
    "Ọ",
    "😀",
    "a",
  ),
);
const text = fc.oneof(
  fc.constant(null),
  awkward.map((parts) => parts.join("")),
  // Postgres' text holds everything but NUL, and what is no character.
  fc.string({ unit: "grapheme" }).map((any) => any.replaceAll("\0", "").toWellFormed()),
);

test(
  "any texts and nulls come back as they were handed over",
  withDb(async (t, db) => {
    await db.query("create type pg_temp.three as (a text, b text, c text)");
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(text, text, text), { maxLength: 5 }), async (rows) => {
        const read = await valueOf(
          db,
          "select coalesce(json_agg(json_build_array(r.a, r.b, r.c)), '[]') from unnest($1::pg_temp.three[]) r",
          [rows.map(compositeRow)],
        );
        t.deepEqual(read, rows);
      }),
      { numRuns: 300 },
    );
  }),
);
