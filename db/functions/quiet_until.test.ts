import test from "ava";
import fc from "fast-check";
import type { Queryable } from "../queryable.ts";
import { listOf, numbered, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

type Case = { at: string; from: string; to: string; zone: string };

/** What quiet_until answers to each, in their order, in milliseconds; null: not quiet. */
async function quietUntil(db: Queryable, cases: Case[]): Promise<(number | null)[]> {
  const found = await rowsOf(
    db,
    `select extract(epoch from app_private.quiet_until(c.at, c."from", c."to", c.zone)) * 1000 as until
     from json_to_recordset($1) as c (n int, at timestamptz, "from" time, "to" time, zone text) order by c.n`,
    [numbered(cases)],
  );
  return found.map(({ until }) => (until === null ? null : Number(until)));
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** What the wall clock of a zone reads, by the browser's own tables and not by Postgres's: `HH:MM`. */
function wallClock(zone: string, at: number): string {
  const format =
    formats.get(zone) ??
    new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  formats.set(zone, format);
  return format.format(at);
}

const reads = (clock: string, { from, to }: Case): boolean =>
  from < to ? clock >= from && clock < to : clock >= from || clock < to;

const isQuiet = (one: Case, at: number): boolean => reads(wallClock(one.zone, at), one);

const DAY = 86_400_000;

test(
  "examples, summer time among them: an end that is skipped is late, one that comes twice is taken the second time",
  withDb(async (t, db) => {
    const cases: [Case, string | null][] = [
      [{ at: "2026-03-10T20:59:59Z", from: "22:00", to: "07:00", zone: "Africa/Lagos" }, null],
      [{ at: "2026-03-10T21:00:00Z", from: "22:00", to: "07:00", zone: "Africa/Lagos" }, "2026-03-11T06:00:00Z"],
      [{ at: "2026-03-11T05:59:59Z", from: "22:00", to: "07:00", zone: "Africa/Lagos" }, "2026-03-11T06:00:00Z"],
      [{ at: "2026-03-11T06:00:00Z", from: "22:00", to: "07:00", zone: "Africa/Lagos" }, null],
      [{ at: "2026-03-10T12:00:00Z", from: "13:00", to: "14:00", zone: "Africa/Lagos" }, "2026-03-10T13:00:00Z"],
      // A night of 8 hours, and one of 10.
      [{ at: "2026-03-28T21:30:00Z", from: "22:00", to: "07:00", zone: "Europe/Paris" }, "2026-03-29T05:00:00Z"],
      [{ at: "2026-10-24T20:30:00Z", from: "22:00", to: "07:00", zone: "Europe/Paris" }, "2026-10-25T06:00:00Z"],
      // 02:30 is skipped: the clock goes from 02:00 to 03:00.
      [{ at: "2026-03-28T23:00:00Z", from: "22:00", to: "02:30", zone: "Europe/Paris" }, "2026-03-29T01:30:00Z"],
      // 02:30 comes twice, and between the two the clock reads quiet hours again.
      [{ at: "2026-10-24T23:00:00Z", from: "22:00", to: "02:30", zone: "Europe/Paris" }, "2026-10-25T01:30:00Z"],
      // A clock that goes back by half an hour only, and a zone that left out a whole day.
      [{ at: "2026-04-04T14:00:00Z", from: "22:00", to: "01:45", zone: "Australia/Lord_Howe" }, "2026-04-04T15:15:00Z"],
      [{ at: "2011-12-30T08:30:00Z", from: "22:00", to: "07:00", zone: "Pacific/Apia" }, "2011-12-30T17:00:00Z"],
    ];
    const answers = await quietUntil(
      db,
      cases.map(([one]) => one),
    );
    for (const [n, [one, expected]] of cases.entries()) {
      t.is(answers[n] ?? null, expected === null ? null : Date.parse(expected), JSON.stringify(one));
    }
  }),
);

/** Moments around which a zone's offset changes, so that half of the cases lie there. */
function changes(zone: string): number[] {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone: zone, timeZoneName: "longOffset" });
  const offset = (at: number): string => {
    const parts = format.formatToParts(at);
    return parts.find(({ type }) => type === "timeZoneName")?.value ?? "";
  };
  const found: number[] = [];
  for (let at = Date.parse("2026-01-01T00:00:00Z"); at < Date.parse("2027-01-01T00:00:00Z"); at += 7 * DAY) {
    let [low, high] = [at, at + 7 * DAY];
    if (offset(low) === offset(high)) continue;
    while (high - low > 60_000) {
      const middle = Math.floor((low + high) / 120_000) * 60_000;
      if (offset(middle) === offset(low)) low = middle;
      else high = middle;
    }
    found.push(high);
  }
  return found;
}

/**
 * Zones that Postgres and Node tell alike, week by week: each brings its own tables of them, and where a country has just
 * changed its mind one of the two is older.
 */
const commonZones = (db: Queryable): Promise<{ zones: string[]; disputed: string[] }> => (found ??= findZones(db));
let found: Promise<{ zones: string[]; disputed: string[] }> | undefined;

async function findZones(db: Queryable): Promise<{ zones: string[]; disputed: string[] }> {
  const known = new Set(await listOf(db, "select name from pg_timezone_names"));
  const both = Intl.supportedValuesOf("timeZone").filter((zone) => known.has(zone));
  const clocks = await rowsOf(
    db,
    `select z.zone, array_agg(to_char(at at time zone z.zone, 'HH24:MI') order by at) as clocks
     from unnest($1::text[]) as z (zone), generate_series('2026-01-01'::timestamptz, '2028-01-08', '7 days') as at
     group by z.zone`,
    [both],
  );
  const disputed = clocks
    .filter(({ zone, clocks: read }) => {
      const expected = Array.from({ length: 106 }, (_, week) => wallClock(String(zone), FIRST + week * 7 * DAY));
      return JSON.stringify(read) !== JSON.stringify(expected);
    })
    .map(({ zone }) => String(zone));
  return { zones: both.filter((zone) => !disputed.includes(zone)), disputed };
}

const FIRST = Date.parse("2026-01-01T00:00:00Z");
/** changes() knows those of one year, and a quiet time that begins in it ends in it. */
const LAST = FIRST + 360 * DAY;

const twoDigits = (many: number) => fc.integer({ min: 0, max: many - 1 }).map((part) => String(part).padStart(2, "0"));
const time = fc.tuple(twoDigits(24), twoDigits(60)).map((parts) => parts.join(":"));

test(
  "no push in quiet hours, in any zone, whatever its clocks do; and none waits longer than it has to",
  withDb(async (t, db) => {
    const { zones, disputed } = await commonZones(db);
    t.true(zones.length > 400, `${zones.length} zones are known to both`);
    t.true(disputed.length < 10, `the tables differ: ${disputed.join(", ")}`);
    const changing = new Map(
      zones.map((zone) => [zone, changes(zone)] as const).filter(([, moments]) => moments.length > 0),
    );
    t.true(changing.size > 100, "summer time is among them");

    const ordinary = fc.tuple(fc.constantFrom(...zones), fc.integer({ min: FIRST, max: LAST }));
    const aroundChange = fc
      .constantFrom(...changing)
      .chain(([zone, moments]) =>
        fc
          .tuple(fc.constantFrom(...moments), fc.integer({ min: -DAY, max: DAY / 4 }))
          .map(([at, by]): [string, number] => [zone, at + by]),
      );
    const one = fc
      .tuple(fc.oneof(ordinary, aroundChange), time, time)
      .filter(([, from, to]) => from !== to)
      .map(([[zone, at], from, to]): Case => ({ zone, at: new Date(at).toISOString(), from, to }));
    const cases = fc.sample(one, 6_000);
    const nearChange = (zone: string, at: number): boolean =>
      changing.get(zone)?.some((moment) => Math.abs(moment - at) < 3 * 3_600_000) ?? false;

    const broken: string[] = [];
    let quiet = 0;
    for (const [n, until] of (await quietUntil(db, cases)).entries()) {
      const asked = cases[n];
      if (asked === undefined) throw new Error("an answer to nothing");
      const at = Date.parse(asked.at);
      const complain = (what: string) => broken.push(`${JSON.stringify(asked)}: ${what}`);
      if (isQuiet(asked, at) !== (until !== null)) complain(`${until === null ? "is" : "is not"} quiet`);
      if (until === null) continue;
      quiet += 1;
      if (until <= at) complain("does not move on");
      if (isQuiet(asked, until)) complain(`is told to come in quiet hours, at ${new Date(until).toISOString()}`);
      for (let earlier = until - 60_000; earlier > at; earlier -= 11 * 60_000) {
        if (isQuiet(asked, earlier) || nearChange(asked.zone, earlier)) continue;
        complain(`need not wait longer than to ${new Date(earlier).toISOString()}`);
        break;
      }
    }
    t.deepEqual(broken.slice(0, 3), []);
    t.true(quiet > 2_000, `${quiet} of the cases were quiet`);
  }),
);

test(
  "every zone, around each change of its clocks in a year: no moment that is answered is quiet",
  withDb(async (t, db) => {
    const { zones } = await commonZones(db);
    const minutes = [-601, -61, -1, 0, 31, 121];
    const moments = zones.map((zone) => [zone, changes(zone)] as const);
    const cases = moments.flatMap(([zone, changing]) =>
      (changing.length === 0 ? [FIRST] : changing).flatMap((moment) =>
        minutes.flatMap((by) =>
          [
            ["22:00", "07:00"],
            ["22:00", "02:30"],
            ["00:15", "03:10"],
          ].map(([from = "", to = ""]): Case => {
            return { zone, from, to, at: new Date(moment + by * 60_000).toISOString() };
          }),
        ),
      ),
    );
    const broken = (await quietUntil(db, cases)).flatMap((until, n) => {
      const asked = cases[n];
      if (asked === undefined) throw new Error("an answer to nothing");
      const isRight = until === null ? !isQuiet(asked, Date.parse(asked.at)) : !isQuiet(asked, until);
      return isRight ? [] : [`${JSON.stringify(asked)}: ${until === null ? "now" : new Date(until).toISOString()}`];
    });
    t.deepEqual(broken.slice(0, 3), []);
    t.log(`${zones.length} zones, ${cases.length} cases`);
    t.true(moments.filter(([, changing]) => changing.length > 1).length > 100, "clocks change in many of them");
  }),
);

test(
  "what is undecided is not quiet",
  withDb(async (t, db) => {
    t.is(await valueOf(db, "select app_private.quiet_until(now(), null, '07:00', 'UTC')"), null);
  }),
);
