import test from "ava";
import fc from "fast-check";
import { addDays, dayIn, daysBetween, daysOf, instantIn, isDay, parseInstant } from "./days.ts";

const day = fc
  .date({ min: new Date("1990-01-01"), max: new Date("2090-01-01"), noInvalidDate: true })
  .map((date) => date.toISOString().slice(0, 10));

test("only days of the calendar are days", (t) => {
  for (const text of ["2026-02-28", "2024-02-29", "0001-01-01", "9999-12-31"]) t.true(isDay(text), text);
  for (const text of [
    "2026-02-29",
    "2026-13-01",
    "2026-00-10",
    "26-01-01",
    "2026-1-1",
    "10-04-2026",
    "",
    "0000-01-01",
  ]) {
    t.false(isDay(text), text);
  }
  const numbers = fc.tuple(
    fc.integer({ min: 1, max: 9999 }),
    fc.integer({ min: 0, max: 14 }),
    fc.integer({ min: 0, max: 33 }),
  );
  fc.assert(
    fc.property(numbers, ([year, month, date]) => {
      const text = `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(date).padStart(2, "0")}`;
      // Date rolls 30 February over into March: only a day that comes back unchanged exists.
      const rolled = new Date(0);
      rolled.setUTCFullYear(year, month - 1, date);
      return isDay(text) === (rolled.toISOString().slice(0, 10) === text);
    }),
  );
});

test("days later and days between agree", (t) => {
  t.is(addDays("2026-02-28", 1), "2026-03-01");
  t.is(addDays("2026-01-01", -1), "2025-12-31");
  t.is(daysBetween("2026-01-10", "2026-01-01"), -9);
  fc.assert(
    fc.property(
      day,
      fc.integer({ min: -4000, max: 4000 }),
      (from, days) => daysBetween(from, addDays(from, days)) === days,
    ),
  );
});

test("arithmetic refuses what is no day, and days outside the calendar", (t) => {
  t.throws(() => addDays("2026-02-30", 1), { instanceOf: RangeError });
  t.throws(() => addDays("2026-02-03", 0.5), { instanceOf: RangeError });
  t.throws(() => addDays("9999-12-31", 1), { instanceOf: RangeError });
});

test("a range has every day, both ends included", (t) => {
  t.deepEqual(daysOf({ from: "2026-02-27", to: "2026-03-02" }), [
    "2026-02-27",
    "2026-02-28",
    "2026-03-01",
    "2026-03-02",
  ]);
  t.deepEqual(daysOf({ from: "2026-02-02", to: "2026-02-01" }), []);
});

test("the day of a moment is the zone's, not UTC's", (t) => {
  t.is(dayIn("Africa/Lagos", "2026-04-09T22:59:59.999Z"), "2026-04-09");
  t.is(dayIn("Africa/Lagos", "2026-04-09T23:00:00.000Z"), "2026-04-10");
  t.is(dayIn("Etc/UTC", "2026-04-09T23:00:00.000Z"), "2026-04-09");
  t.throws(() => dayIn("Africa/Nowhere", "2026-04-09T23:00:00.000Z"), { instanceOf: RangeError });
});

test("the day is what Intl says, whatever the zone does with its clock", (t) => {
  const zones = ["Africa/Lagos", "Africa/Juba", "Europe/Berlin", "America/St_Johns", "Pacific/Apia", "Asia/Kathmandu"];
  const formats = new Map(zones.map((zone) => [zone, new Intl.DateTimeFormat("en-CA", { timeZone: zone })]));
  fc.assert(
    fc.property(
      fc.constantFrom(...zones),
      fc.date({ min: new Date("1950-01-01"), max: new Date("2090-01-01"), noInvalidDate: true }),
      (zone, at) => dayIn(zone, at) === formats.get(zone)?.format(at),
    ),
    // Both sides of a turn, and the day that Samoa left out.
    {
      numRuns: 500,
      examples: [
        ["Europe/Berlin", new Date("2026-10-24T21:59:59.999Z")],
        ["Europe/Berlin", new Date("2026-10-24T22:00:00Z")],
        ["Europe/Berlin", new Date("2026-10-25T22:59:59Z")],
        ["Europe/Berlin", new Date("2026-10-25T23:00:00Z")],
        ["Pacific/Apia", new Date("2011-12-30T09:59:59Z")],
        ["Pacific/Apia", new Date("2011-12-30T10:00:00Z")],
      ],
    },
  );
  t.pass();
});

test("a moment has a zone and exists", (t) => {
  t.is(parseInstant("2026-04-10T00:02:00.500Z"), "2026-04-10T00:02:00.500Z");
  t.is(parseInstant("2026-04-10T01:02:00+01:00"), "2026-04-10T00:02:00.000Z");
  t.is(parseInstant("2026-04-10T01:02:00+0100"), "2026-04-10T00:02:00.000Z");
  t.is(parseInstant("2026-04-10T00:02:00.123456Z"), "2026-04-10T00:02:00.123Z");
  for (const text of [
    "2026-04-10",
    "2026-04-10T00:02:00",
    "2026-02-30T00:00:00Z",
    "2026-04-10T24:00:00Z",
    "2026-04-10T10:61:00Z",
    "yesterday",
    "",
  ]) {
    t.is(parseInstant(text), null, text);
  }
  t.is(parseInstant("2026-02-30T00:00:00.000Z"), null, "nor one that is written as ours are");
});

test("local day and time come back from the moment that they name", (t) => {
  t.is(instantIn("Africa/Kampala", "2026-05-01", "02:30:15"), "2026-04-30T23:30:15.000Z");
  t.is(instantIn("Africa/Kampala", "2026-05-01", "02:30"), "2026-04-30T23:30:00.000Z");
  for (const time of ["25:00", "2:30", "", "02:30:99"])
    t.is(instantIn("Africa/Kampala", "2026-05-01", time), null, time);
  t.is(instantIn("Africa/Kampala", "2026-02-30", "10:00"), null);
  const zone = fc.constantFrom(
    "Africa/Lagos",
    "Africa/Kampala",
    "Africa/Abidjan",
    "Africa/Juba",
    "Europe/Berlin",
    "America/St_Johns",
  );
  fc.assert(
    fc.property(zone, day, fc.integer({ min: 4, max: 23 }), (name, date, hour) => {
      // From four o'clock on: no zone here turns its clock then.
      const moment = instantIn(name, date, `${String(hour).padStart(2, "0")}:00`);
      return moment !== null && dayIn(name, moment) === date;
    }),
  );
});

test("a turned-back hour means its first passing, a skipped one the clock as it was", (t) => {
  t.is(instantIn("Europe/Berlin", "2026-10-25", "02:30"), "2026-10-25T00:30:00.000Z");
  t.is(instantIn("Europe/Berlin", "2026-03-29", "02:30"), "2026-03-29T01:30:00.000Z");
});
