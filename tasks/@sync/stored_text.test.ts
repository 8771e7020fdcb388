import test from "ava";
import fc from "fast-check";
import { storedText } from "./stored_text.ts";

test("text is kept as it is, unless Postgres could not hold it", (t) => {
  t.is(storedText("  NIP TRANSFER TO ADA  "), "  NIP TRANSFER TO ADA  ");
  t.is(storedText("a\0b"), "ab");
  t.is(storedText("\0"), null);
  t.is(storedText(""), null);
  t.is(storedText(null), null);
  t.is(storedText(undefined), null);
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const kept = storedText(text);
      return kept === null || (kept.isWellFormed() && !kept.includes("\0"));
    }),
  );
});
