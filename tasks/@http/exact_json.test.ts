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

test("a number keeps its text wherever JSON lets it stand", (t) => {
  const blank = fc.stringMatching(/^[ \t\r\n]{0,3}$/);
  const literal = fc.constantFrom("1.50", "-0.10", "1e3", "12345678901234567890");
  const name = fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text));
  fc.assert(
    fc.property(fc.array(blank, { minLength: 5, maxLength: 5 }), literal, name, (blanks, number, quoted) => {
      const [a = "", b = "", c = "", d = "", e = ""] = blanks;
      const inObject = parseExactJson(`${a}{${b}${quoted}${c}:${d}${number}${e}}`);
      t.deepEqual(inObject, JSON.parse(`{${quoted}:${JSON.stringify(number)}}`));
      t.deepEqual(parseExactJson(`${a}[${b}0${c},${d}${number}${e}]`), [0, number]);
      t.deepEqual(parseExactJson(`${a}[${b}${number}${c}]`), [number]);
      t.deepEqual(parseExactJson(`${a}${number}${b}`), number);
    }),
  );
});

test("a page whose only fractions are those of times pays for no reviver", (t) => {
  const revived = (text: string): boolean => {
    const parse = JSON.parse;
    let withReviver = false;
    JSON.parse = (source: string, reviver?: Parameters<typeof parse>[1]): unknown => {
      withReviver ||= reviver !== undefined;
      return parse(source, reviver);
    };
    try {
      parseExactJson(text);
    } finally {
      JSON.parse = parse;
    }
    return withReviver;
  };
  t.false(revived('{"data":[{"date":"2026-03-01T08:00:00.500Z","amount":500000}]}'));
  t.true(revived('{"data":[{"date":"2026-03-01T08:00:00.500Z","amount":5000.00}]}'));
});
