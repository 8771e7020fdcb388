import test from "ava";
import fc from "fast-check";
import { stretchesOf } from "./coverage.ts";
import { account, state } from "./testing/accounts.ts";

const DAY = 86_400_000;
const day = (n: number): string => new Date(Date.UTC(2026, 0, 1) + n * DAY).toISOString().slice(0, 10);

test("history is complete, open, or not read yet; a gap before settled days is missing", (t) => {
  const settled = [
    { fromDay: "2025-12-01", toDay: "2026-03-02" },
    { fromDay: "2026-03-06", toDay: "2026-03-06" },
  ];
  const told = stretchesOf(account, { ...state, settled }, "2026-03-12");
  t.deepEqual(
    told?.map(({ kind, fromDay, toDay }) => `${kind} ${fromDay} ${toDay}`),
    [
      "complete 2025-12-01 2026-03-02",
      "missing 2026-03-03 2026-03-05",
      "complete 2026-03-06 2026-03-06",
      "open 2026-03-07 2026-03-10",
      "unread 2026-03-11 2026-03-12",
    ],
  );
  t.is(stretchesOf(account, { ...state, historyStart: null }, "2026-03-12"), null);
  const never = stretchesOf(
    { ...account, dataAsOf: null, lastSyncedAt: null },
    { ...state, settled: [] },
    "2026-03-12",
  );
  t.deepEqual(
    never?.map(({ kind }) => kind),
    ["unread"],
  );
});

test("whatever is settled, the strip tells of each day once, from the first to today, and of settled ones as complete", (t) => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
      fc.integer({ min: 0, max: 70 }),
      fc.integer({ min: 0, max: 70 }),
      (edges, today, read) => {
        const sorted = edges.toSorted((a, b) => a - b);
        const settled: { fromDay: string; toDay: string }[] = [];
        for (let at = 0; at + 1 < sorted.length; at += 2) {
          settled.push({ fromDay: day(sorted[at] ?? 0), toDay: day(sorted[at + 1] ?? 0) });
        }
        const stretches = stretchesOf(
          { ...account, dataAsOf: `${day(read)}T12:00:00Z` },
          { ...state, historyStart: day(0), settled },
          day(today),
        );
        const days = (stretches ?? []).flatMap(({ kind, fromDay, days: length }) =>
          Array.from({ length }, (_, n) => ({ kind, day: Date.parse(fromDay) / DAY + n })),
        );
        const first = Date.parse(day(0)) / DAY;
        const isEachOnce = days.every((one, n) => one.day === first + n);
        const isThroughToday = days.length > today;
        const isComplete = (date: string): boolean =>
          settled.some((span) => span.fromDay <= date && date <= span.toDay);
        return (
          isEachOnce &&
          isThroughToday &&
          days.every(({ kind, day: n }) => (kind === "complete") === isComplete(day(n - first)))
        );
      },
    ),
  );
  t.pass();
});
