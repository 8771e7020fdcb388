import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { listOf, numbered, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

type Case = { after: string; interval: string; hour: number; zone: string; window: string; jitter: number };
const asked = z.object({ next: z.string(), gap_s: z.number(), interval_s: z.number(), slot_hour: z.number() });
type Answer = z.infer<typeof asked>;

/** Many questions in one call. slot_hour: the local hour of the slot without the account's own share of the window. */
async function nextSyncTimes(db: Queryable, cases: Case[]): Promise<Answer[]> {
  const { rows } = await db.query(
    `select next::text,
       extract(epoch from next - after)::float8 as gap_s,
       extract(epoch from "interval")::float8 as interval_s,
       extract(hour from (next - jitter * "window") at time zone zone)::int as slot_hour
     from json_to_recordset($1)
       as c (after timestamptz, "interval" interval, hour int, zone text, "window" interval, jitter float8, n int),
       app_private.next_sync_time(after, "interval", hour, zone, "window", jitter) as next
     order by n`,
    [numbered(cases)],
  );
  return z.array(asked).parse(rows);
}

const daily = { interval: "1 day", hour: 2, zone: "Africa/Lagos", window: "4 hours", jitter: 0.5 };

// Lagos is UTC+1 all year: hour 2 plus half of four hours is 04:00 there, 03:00 UTC.
for (const [what, question, expected] of [
  ["a sync on its slot comes again one day later", { after: "2026-03-10T03:00:00Z" }, "2026-03-11 03:00:00+00"],
  ["a sync a little late does not drift", { after: "2026-03-10T03:12:00Z" }, "2026-03-11 03:00:00+00"],
  ["a sync at noon counts for its day", { after: "2026-03-10T11:00:00Z" }, "2026-03-11 03:00:00+00"],
  ["six hours before the slot it still stands", { after: "2026-03-10T21:00:00Z" }, "2026-03-11 03:00:00+00"],
  ["later than that it is skipped", { after: "2026-03-10T21:00:01Z" }, "2026-03-12 03:00:00+00"],
  ["no jitter, no spread", { after: "2026-03-10T03:00:00Z", jitter: 0 }, "2026-03-11 01:00:00+00"],
  ["two days", { after: "2026-03-10T03:00:00Z", interval: "2 days" }, "2026-03-12 03:00:00+00"],
  ["thirty days", { after: "2026-03-10T03:00:00Z", interval: "30 days" }, "2026-04-09 03:00:00+00"],
  [
    "a preferred hour in the user's own zone",
    { after: "2026-03-10T03:00:00Z", hour: 7, zone: "Asia/Kathmandu", window: "1 hour", jitter: 0 },
    "2026-03-11 01:15:00+00",
  ],
  [
    "the hour that spring skips: the slot is where the clock goes on",
    { after: "2026-03-28T02:00:00Z", zone: "Europe/Berlin", jitter: 0 },
    "2026-03-29 01:00:00+00",
  ],
  [
    "the hour that autumn repeats: one slot",
    { after: "2026-10-24T01:00:00Z", zone: "Europe/Berlin", jitter: 0 },
    "2026-10-25 01:00:00+00",
  ],
  [
    "six hours: a grid that an account's share shifts",
    { after: "2026-03-10T03:00:00Z", interval: "6 hours" },
    "2026-03-10 09:00:00+00",
  ],
  [
    "six hours: at least a quarter away",
    { after: "2026-03-10T08:00:00Z", interval: "6 hours" },
    "2026-03-10 15:00:00+00",
  ],
  ["a quarter of an hour", { after: "2026-03-10T03:00:00Z", interval: "15 min", jitter: 0 }, "2026-03-10 03:15:00+00"],
] as const) {
  test(
    what,
    withDb(async (t, db) => {
      const [answer] = await nextSyncTimes(db, [{ ...daily, ...question }]);
      t.is(answer?.next, expected);
    }),
  );
}

const anyCase = (zones: string[]): fc.Arbitrary<Case> =>
  fc.record({
    after: fc
      .date({ min: new Date("2020-01-01"), max: new Date("2030-12-31"), noInvalidDate: true })
      .map((date) => date.toISOString()),
    interval: fc.constantFrom(
      "15 min",
      "1 hour",
      "6 hours",
      "18 hours",
      "1 day",
      "2 days",
      "3 days",
      "7 days",
      "30 days",
    ),
    hour: fc.integer({ min: 0, max: 23 }),
    zone: fc.constantFrom(...zones),
    window: fc.constantFrom("0", "1 hour", "4 hours", "24 hours"),
    jitter: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
  });

const ianaZones = (db: Queryable): Promise<string[]> =>
  listOf(db, "select name from pg_timezone_names where name ~ '^[A-Z][a-z]+/' and name !~ '^Etc/' order by name");

test(
  "in every zone, whenever asked: later than asked, and never more than a quarter of the interval late",
  withDb(async (t, db) => {
    const zones = await ianaZones(db);
    t.true(zones.length > 400);
    const cases = fc.array(anyCase(zones), { minLength: 1, maxLength: 500 });
    await fc.assert(
      fc.asyncProperty(cases, async (questions) => {
        for (const [n, { gap_s, interval_s, slot_hour }] of (await nextSyncTimes(db, questions)).entries()) {
          const what = JSON.stringify(questions[n]);
          // Clocks that jump move a slot of a whole-day interval by their hour.
          const late = interval_s >= 86_400 ? 3600 : 0.001;
          if (gap_s <= 0) throw new Error(`not later: ${what}`);
          if (gap_s > 1.25 * interval_s + late) throw new Error(`too late by ${gap_s - 1.25 * interval_s} s: ${what}`);
          const hoursAfter = (slot_hour - (questions[n]?.hour ?? 0) + 24) % 24;
          if (interval_s >= 86_400 && hoursAfter > 1) throw new Error(`not at the preferred hour: ${what}`);
        }
      }),
      { numRuns: 20 },
    );
    t.pass();
  }),
);

test(
  "in every zone, across every change of its clocks: one slot a local day",
  withDb(async (t, db) => {
    const broken = await rowsOf(
      db,
      `with recursive starts as (
         select name as zone, start, mod(ordinal, 24) * interval '10 minutes' as share, mod(ordinal * 7, 24)::int as hour
         from (select name, row_number() over (order by name) as ordinal from pg_timezone_names) as z,
           unnest(array['2026-02-10', '2026-09-01']::timestamptz[]) as start
         where name ~ '^[A-Z][a-z]+/' and name !~ '^Etc/'
       ),
       chain as (
         select zone, start, share, hour, 0 as n,
           app_private.next_sync_time(start, '1 day', hour, zone, '4 hours', extract(epoch from share) / 14400) as slot
         from starts
         union all
         select zone, start, share, hour, n + 1,
           app_private.next_sync_time(slot, '1 day', hour, zone, '4 hours', extract(epoch from share) / 14400)
         from chain
         where n < 75
       ),
       days as (
         select *, ((slot - share) at time zone zone)::date as day,
           lag(((slot - share) at time zone zone)::date) over (partition by zone, start order by n) as day_before
         from chain
       )
       select zone, slot, day, day_before from days where day <> day_before + 1 limit 5`,
    );
    t.deepEqual(broken, []);
    // Positive control: clocks did change while we looked, in the north and in the south.
    t.is(
      await valueOf(
        db,
        `select count(distinct (d at time zone 'Europe/Berlin')::time) + count(distinct (d at time zone 'America/Santiago')::time)
         from unnest(array['2026-02-10', '2026-04-20', '2026-09-01', '2026-11-10']::timestamptz[]) as d`,
      ),
      "4",
    );
  }),
);

test(
  "the session's own zone plays no part",
  withDb(async (t, db) => {
    // New York loses an hour on 8 March; these slots are on the edge of what is early enough.
    const edges = ["2026-03-07T21:00:00Z", "2026-03-07T21:30:00Z", "2026-03-07T20:30:00Z"].flatMap((after) =>
      ["1 day", "7 days", "30 days"].map((interval) => ({ ...daily, after, interval })),
    );
    await db.query("set local timezone = 'UTC'");
    const inUtc = (await nextSyncTimes(db, edges)).map(({ gap_s }) => gap_s);
    await db.query("set local timezone = 'America/New_York'");
    const inNewYork = (await nextSyncTimes(db, edges)).map(({ gap_s }) => gap_s);
    t.deepEqual(inNewYork, inUtc);
  }),
);

test(
  "an account's share is the same for ever, in [0, 1), and spreads accounts evenly",
  withDb(async (t, db) => {
    t.is(
      await valueOf(db, "select app_private.stable_jitter('acc_1')"),
      await valueOf(db, "select app_private.stable_jitter('acc_1')"),
    );
    // Written down: an upgrade of Postgres must not move every account.
    t.is(await valueOf(db, "select app_private.stable_jitter('acc_1')::text"), "0.7382001876831055");
    const spread = await rowsOf(
      db,
      `select bool_and(lowest >= 0 and highest < 1) as within, min(n) > 800 and max(n) < 1200 as even
       from (
         select min(j) as lowest, max(j) as highest, count(*) as n
         from (select app_private.stable_jitter('account ' || i) as j from generate_series(1, 10000) i) s
         group by floor(j * 10)
       ) tenths`,
    );
    t.deepEqual(spread, [{ within: true, even: true }]);
  }),
);
