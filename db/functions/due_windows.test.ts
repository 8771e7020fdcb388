import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { numbered } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

type Case = { start: string; settled: string; today: string; days: number };
const windows = z.object({ windows: z.array(z.string()) });

/** The windows of each case, as `from..to`. */
async function dueWindows(db: Queryable, cases: Case[]): Promise<string[][]> {
  const { rows } = await db.query(
    `select coalesce((
       select json_agg(from_day || '..' || to_day order by position)
       from app_private.due_windows(start, settled, today, days) with ordinality as w (from_day, to_day, position)
     ), '[]') as windows
     from json_to_recordset($1) as c (start date, settled datemultirange, today date, days int, n int)
     order by n`,
    [numbered(cases)],
  );
  return z
    .array(windows)
    .parse(rows)
    .map((row) => row.windows);
}

const january: Case = { start: "2026-01-01", settled: "{}", today: "2026-01-10", days: 31 };

for (const [what, question, expected] of [
  ["nothing known: all of it", {}, ["2026-01-01..2026-01-10"]],
  ["the rest, after what is settled", { settled: "{[2026-01-01,2026-01-08)}" }, ["2026-01-08..2026-01-10"]],
  [
    "an outage until the 20th loses nothing",
    { settled: "{[2026-01-01,2026-01-08)}", today: "2026-01-20" },
    ["2026-01-08..2026-01-20"],
  ],
  [
    "a gap in the middle is healed, oldest first",
    { settled: "{[2026-01-01,2026-01-03),[2026-01-06,2026-01-09)}" },
    ["2026-01-03..2026-01-05", "2026-01-09..2026-01-10"],
  ],
  [
    "cut into pieces its provider takes",
    { days: 4 },
    ["2026-01-01..2026-01-04", "2026-01-05..2026-01-08", "2026-01-09..2026-01-10"],
  ],
  ["one day at a time", { today: "2026-01-02", days: 1 }, ["2026-01-01..2026-01-01", "2026-01-02..2026-01-02"]],
  ["everything settled, today too: nothing to ask", { settled: "{[2026-01-01,2026-01-11)}" }, []],
  [
    "settled days outside of the history do not matter",
    { settled: "{[2025-01-01,2025-06-01)}" },
    ["2026-01-01..2026-01-10"],
  ],
  ["an account linked today", { start: "2026-01-10" }, ["2026-01-10..2026-01-10"]],
  // The provider's today may still be yesterday where the history was counted from.
  ["a history that starts tomorrow", { start: "2026-01-11" }, ["2026-01-11..2026-01-11"]],
] as const) {
  test(
    what,
    withDb(async (t, db) => {
      t.deepEqual(await dueWindows(db, [{ ...january, ...question }]), [[...expected]]);
    }),
  );
}

const epoch = Date.UTC(2026, 0, 1);
const day = (n: number): string => new Date(epoch + n * 86_400_000).toISOString().slice(0, 10);
const dayNumber = (iso: string): number => (Date.parse(iso) - epoch) / 86_400_000;

const anyCase = fc.record({
  length: fc.integer({ min: 0, max: 120 }),
  days: fc.integer({ min: 1, max: 40 }),
  // Each an offset (which may lie before the history) and a length.
  settled: fc.array(fc.tuple(fc.integer({ min: -20, max: 130 }), fc.integer({ min: 1, max: 40 })), { maxLength: 6 }),
});

test(
  "windows and settled days are the whole history: disjoint, in order, none too long",
  withDb(async (t, db) => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyCase, { minLength: 1, maxLength: 200 }), async (cases) => {
        const answers = await dueWindows(
          db,
          cases.map(({ length, days, settled }) => ({
            start: day(0),
            today: day(length),
            days,
            settled: `{${settled.map(([from, span]) => `[${day(from)},${day(from + span)})`).join(",")}}`,
          })),
        );
        for (const [n, { length, days, settled }] of cases.entries()) {
          const asked: number[] = [];
          for (const window of answers[n] ?? []) {
            const [from, to] = window.split("..").map(dayNumber);
            if (from === undefined || to === undefined) throw new Error(window);
            t.true(from <= to && to - from < days, window);
            for (let d = from; d <= to; d += 1) asked.push(d);
          }
          const missing = Array.from({ length: length + 1 }, (_, d) => d).filter(
            (d) => !settled.some(([from, span]) => from <= d && d < from + span),
          );
          // In order, none twice, none forgotten, none that is known already.
          t.deepEqual(asked, missing);
        }
      }),
      { numRuns: 25 },
    );
  }),
);
