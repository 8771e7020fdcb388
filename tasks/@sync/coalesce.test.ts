import test from "ava";
import fc from "fast-check";
import { DatabaseError } from "pg";
import { coalesce } from "./coalesce.ts";

type Item = { key: string; group?: string; weight?: number; isUrgent?: boolean };

/** A set-based verb whose calls end when the test says so. */
function stub(
  options: { lanes?: number; most?: number; heaviest?: number; worthwhile?: () => number; patienceMs?: number } = {},
) {
  const calls: { keys: string[]; answer: () => void; fail: (error: unknown) => void }[] = [];
  const arrivals: (() => void)[] = [];
  const submit = coalesce<Item, string>({
    call: (items) =>
      new Promise((resolve, reject) => {
        const keys = items.map(({ key }) => key);
        calls.push({ keys, answer: () => resolve(keys.map((key) => `answer to ${key}`)), fail: reject });
        arrivals.shift()?.();
      }),
    keyOf: ({ key }) => key,
    groupOf: ({ group = "" }) => group,
    weightOf: ({ weight = 1 }) => weight,
    isUrgent: ({ isUrgent = false }) => isUrgent,
    most: 10,
    ...options,
  });
  const nextCall = async () => {
    if (calls.length === 0) await new Promise<void>((arrived) => arrivals.push(arrived));
    const call = calls.shift();
    if (call === undefined) throw new Error("there is no call");
    return call;
  };
  return { submit: (key: string, more: Omit<Item, "key"> = {}) => submit({ key, ...more }), nextCall, calls };
}

/** Everything that could happen by itself has happened. */
const settled = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn += 1) await new Promise((done) => setImmediate(done));
};

const refusal = (): DatabaseError => {
  const error = new DatabaseError("value out of range", 1, "error");
  error.severity = "ERROR";
  return error;
};

test("alone, an item is sent at once; who comes meanwhile shares the next call, in the order of keys", async (t) => {
  const { submit, nextCall, calls } = stub();
  const first = submit("m");
  const call = await nextCall();
  t.deepEqual(call.keys, ["m"]);
  const others = ["z", "a", "k"].map((key) => submit(key));
  await settled();
  t.is(calls.length, 0, "one call at a time");
  call.answer();
  t.is(await first, "answer to m");
  const second = await nextCall();
  t.deepEqual(second.keys, ["a", "k", "z"]);
  second.answer();
  t.deepEqual(await Promise.all(others), ["answer to z", "answer to a", "answer to k"]);
});

test("two items of one key are never under way together, not even in two lanes", async (t) => {
  const { submit, nextCall, calls } = stub({ lanes: 2 });
  const answers = [submit("a"), submit("a"), submit("b")];
  const call = await nextCall();
  t.deepEqual(call.keys, ["a", "b"]);
  await settled();
  t.is(calls.length, 0);
  const other = submit("c");
  const beside = await nextCall();
  t.deepEqual(beside.keys, ["c"], "the second lane is free for others");
  beside.answer();
  call.answer();
  const again = await nextCall();
  t.deepEqual(again.keys, ["a"]);
  again.answer();
  t.deepEqual(await Promise.all([...answers, other]), ["answer to a", "answer to a", "answer to b", "answer to c"]);
});

test("a call holds one group, is bounded in items and weight, and a heavy item goes alone", async (t) => {
  const { submit, nextCall } = stub({ most: 3, heaviest: 10 });
  const all = [
    submit("a", { group: "1" }),
    submit("b", { group: "2" }),
    submit("c", { group: "1", weight: 8 }),
    submit("d", { group: "1", weight: 2 }),
    submit("e", { group: "2", weight: 99 }),
  ];
  const keys: string[][] = [];
  while (keys.flat().length < all.length) {
    const call = await nextCall();
    keys.push(call.keys);
    call.answer();
  }
  await Promise.all(all);
  t.deepEqual(keys, [["a", "c"], ["b"], ["d"], ["e"]]);
});

test("company that can be expected is waited for; not by a full call, nor by an urgent item, nor for ever", async (t) => {
  const waits = { worthwhile: () => 3, patienceMs: 60_000 };
  const patient = stub(waits);
  void patient.submit("a");
  void patient.submit("b");
  await settled();
  t.is(patient.calls.length, 0);
  void patient.submit("c");
  t.deepEqual((await patient.nextCall()).keys, ["a", "b", "c"]);

  const heavy = stub({ ...waits, heaviest: 10 });
  void heavy.submit("a", { weight: 4 });
  void heavy.submit("b", { weight: 6 });
  t.deepEqual((await heavy.nextCall()).keys, ["a", "b"]);

  const many = stub({ ...waits, most: 2 });
  void many.submit("a");
  void many.submit("b");
  t.deepEqual((await many.nextCall()).keys, ["a", "b"]);

  const urgent = stub(waits);
  void urgent.submit("a");
  void urgent.submit("b", { isUrgent: true });
  t.deepEqual((await urgent.nextCall()).keys, ["a", "b"]);

  const impatient = stub({ ...waits, patienceMs: 1 });
  void impatient.submit("a");
  t.deepEqual((await impatient.nextCall()).keys, ["a"]);
});

test("what Postgres refuses is asked again one by one: only the one to blame fails", async (t) => {
  const { submit, nextCall } = stub();
  const answers = Promise.allSettled(["a", "bad", "c"].map((key) => submit(key)));
  (await nextCall()).fail(refusal());
  for (const expected of ["a", "bad", "c"]) {
    const call = await nextCall();
    t.deepEqual(call.keys, [expected]);
    if (expected === "bad") call.fail(refusal());
    else call.answer();
  }
  t.deepEqual(
    (await answers).map(({ status }) => status),
    ["fulfilled", "rejected", "fulfilled"],
  );
});

test("a lost connection is told to each who waits, and nothing is sent again", async (t) => {
  const { submit, nextCall, calls } = stub();
  const gone = new Error("Connection terminated unexpectedly");
  const answers = Promise.allSettled([submit("a"), submit("b")]);
  (await nextCall()).fail(gone);
  t.deepEqual(await answers, [
    { status: "rejected", reason: gone },
    { status: "rejected", reason: gone },
  ]);
  const ended = refusal();
  ended.severity = "FATAL";
  const others = Promise.allSettled([submit("a"), submit("b")]);
  (await nextCall()).fail(ended);
  t.true(
    (await others).every(({ status }) => status === "rejected"),
    "whether it was committed, nobody knows",
  );
  await settled();
  t.is(calls.length, 0);
  const after = submit("a");
  (await nextCall()).answer();
  t.is(await after, "answer to a", "and it goes on");
});

test("an item that the verb leaves unanswered fails, its neighbours do not", async (t) => {
  const submit = coalesce<Item, string>({
    call: (items) => Promise.resolve(items.slice(0, 1).map(({ key }) => key)),
    keyOf: ({ key }) => key,
    most: 10,
  });
  const [first, second] = await Promise.allSettled([submit({ key: "a" }), submit({ key: "b" })]);
  t.deepEqual(first, { status: "fulfilled", value: "a" });
  t.is(second.status, "rejected");
});

test("whatever is submitted is answered once, in the order of its key, in calls within the bounds", async (t) => {
  const item = fc.record({
    key: fc.constantFrom("a", "b", "c", "d"),
    group: fc.constantFrom("1", "2"),
    weight: fc.nat(5),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(item, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (items, lanes) => {
      let underWay = 0;
      const answered = new Map<string, number[]>();
      const submit = coalesce<Item & { nth: number }, number>({
        call: async (batch) => {
          underWay += 1;
          t.true(underWay <= lanes && batch.length <= 3);
          t.is(new Set(batch.map(({ key }) => key)).size, batch.length);
          t.is(new Set(batch.map(({ group }) => group)).size, 1);
          t.true(batch.length === 1 || batch.reduce((sum, { weight = 0 }) => sum + weight, 0) <= 7);
          await settled();
          underWay -= 1;
          for (const { key, nth } of batch) answered.set(key, [...(answered.get(key) ?? []), nth]);
          return batch.map(({ nth }) => nth);
        },
        keyOf: ({ key }) => key,
        groupOf: ({ group = "" }) => group,
        weightOf: ({ weight = 0 }) => weight,
        most: 3,
        heaviest: 7,
        lanes,
      });
      t.deepEqual(
        await Promise.all(items.map((one, nth) => submit({ ...one, nth }))),
        items.map((_, nth) => nth),
      );
      for (const nths of answered.values())
        t.deepEqual(
          nths,
          nths.toSorted((a, b) => a - b),
        );
    }),
    { numRuns: 50 },
  );
});
