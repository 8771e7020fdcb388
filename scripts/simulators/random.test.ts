import test from "ava";
import { randomFor, uuidFor } from "./random.ts";

test("one seed and key give one stream, whoever else draws", (t) => {
  const first = randomFor("seed", "day", 3);
  const other = randomFor("seed", "day", 4);
  const alone = [first.next(), first.next(), first.next()];
  const again = randomFor("seed", "day", 3);
  const mixed = [again.next()];
  other.next();
  mixed.push(again.next(), again.next());
  t.deepEqual(mixed, alone);
  t.notDeepEqual([randomFor("seed", "day", 4).next()], [alone[0]]);
});

test("a number and its digits are different keys, and keys do not run together", (t) => {
  t.not(randomFor(1, 2).next(), randomFor(1, "2").next());
  t.not(randomFor(1, "ab", "c").next(), randomFor(1, "a", "bc").next());
});

test("int covers both ends and nothing else", (t) => {
  const random = randomFor(1);
  const seen = new Set(Array.from({ length: 500 }, () => random.int(-1, 2)));
  t.deepEqual(
    [...seen].toSorted((a, b) => a - b),
    [-1, 0, 1, 2],
  );
});

test("uuidFor gives version 4 UUIDs", (t) => {
  t.regex(uuidFor(1, "a"), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  t.is(uuidFor(1, "a"), uuidFor(1, "a"));
  t.not(uuidFor(1, "a"), uuidFor(1, "b"));
});
