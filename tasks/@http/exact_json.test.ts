import test from "ava";
import fc from "fast-check";
import { parseExactJson } from "./exact_json.ts";

test("safe integers are numbers, every other number keeps its text", (t) => {
  t.deepEqual(parseExactJson('{"a": 500000, "b": -3, "c": 0}'), { a: 500_000, b: -3, c: 0 });
  t.deepEqual(parseExactJson('{"a": 12.50, "b": [1e3, 100.00000000000000001], "c": 9007199254740993}'), {
    a: "12.50",
    b: ["1e3", "100.00000000000000001"],
    c: "9007199254740993",
  });
  t.is(parseExactJson("1.0"), "1.0");
  t.deepEqual(parseExactJson('{"text": "costs 1.5, or: 12345678901234567", "n": 7}'), {
    text: "costs 1.5, or: 12345678901234567",
    n: 7,
  });
});

test("what is no JSON throws", (t) => {
  for (const text of ["", "{", "nope", "{'a':1}"]) t.throws(() => parseExactJson(text), { instanceOf: SyntaxError });
});

const noFloats = fc
  .json({ maxDepth: 3 })
  .map((text) =>
    JSON.stringify(JSON.parse(text), (_key, value: unknown) =>
      typeof value === "number" ? Math.trunc(value % 1e15) : value,
    ),
  );

test("documents with safe integers only are as JSON.parse reads them", (t) => {
  fc.assert(
    fc.property(noFloats, (text) => {
      t.deepEqual(parseExactJson(text), JSON.parse(text));
    }),
  );
});

test("a number's text comes back digit by digit", (t) => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.stringMatching(/^\d{1,20}$/), (whole, fraction) => {
      const literal = `${whole}.${fraction}`;
      t.deepEqual(parseExactJson(`[{"amount":${literal}}]`), [{ amount: literal }]);
    }),
  );
});
