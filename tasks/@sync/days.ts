import type { Day, Instant } from "./platform.ts";

const DAY_MS = 86_400_000;
const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const INSTANT = /^(\d{4}-\d{2}-\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;
/** Of what toISOString writes. */
const CANONICAL_LENGTH = "2026-01-01T00:00:00.000Z".length;
const TIME = /^(\d{2}):(\d{2})(?::(\d{2}))?$/;

/** A calendar day that exists, as `YYYY-MM-DD`. */
export function isDay(text: string): text is Day {
  const [, year, month, day] = DAY.exec(text) ?? [];
  if (year === undefined) return false;
  return Number(year) > 0 && Number(day) > 0 && Number(day) <= daysInMonth(Number(year), Number(month));
}

/** 0 where there is no such month. Counted, since a Date for each row of a page costs as much as reading the row. */
function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [0, 31, 0, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month] ?? 0;
}

/** The day that many days later, or earlier when negative. */
export function addDays(day: Day, days: number): Day {
  if (!Number.isInteger(days)) throw new RangeError("a whole number of days is needed");
  const later = new Date(midnightUtc(day) + days * DAY_MS);
  const text = Number.isNaN(later.getTime()) ? "" : later.toISOString().slice(0, 10);
  if (!isDay(text)) throw new RangeError("the day is outside the years 1 to 9999");
  return text;
}

/** How many days `to` is after `from`; negative when before. */
export function daysBetween(from: Day, to: Day): number {
  // Both are multiples of a day in UTC, which knows no summer time, so that the division is exact.
  return (midnightUtc(to) - midnightUtc(from)) / DAY_MS;
}

/** Every day of a range, both ends included. */
export function daysOf(range: { from: Day; to: Day }): Day[] {
  const count = daysBetween(range.from, range.to) + 1;
  return Array.from({ length: Math.max(0, count) }, (_, index) => addDays(range.from, index));
}

/** The calendar day on which a moment falls in an IANA time zone. Throws RangeError on an unknown zone. */
export function dayIn(zone: string, instant: Instant | Date): Day {
  const at = new Date(instant).getTime();
  const offset = offsetThrough(zone, Math.floor(at / DAY_MS));
  if (offset !== null) return dayText(Math.floor((at + offset) / DAY_MS));
  const { year, month, day } = wallClock(zone, new Date(at));
  return `${year}-${month}-${day}`;
}

/**
 * The moment in UTC of an ISO 8601 text with a zone or offset, null where it is none or does not exist. Text without
 * a zone is no moment: guessing one would move a payment to another day.
 */
export function parseInstant(text: string): Instant | null {
  const [, day, hour, minute, second] = INSTANT.exec(text) ?? [];
  if (day === undefined || !isDay(day)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  // As we write it ourselves, and as Mono does: nothing is left to be done, for thousands of rows a second.
  if (text.length === CANONICAL_LENGTH && text.endsWith("Z")) return text;
  const at = new Date(text.replace(/([+-]\d{2})(\d{2})$/, "$1:$2"));
  return Number.isNaN(at.getTime()) ? null : at.toISOString();
}

/**
 * The moment of a local day and time (`HH:MM` or `HH:MM:SS`) in a zone, null where either does not exist. Where the
 * clock is turned back the earlier of the two moments is meant; a time that the clock skips is read as if it had not
 * been turned.
 */
export function instantIn(zone: string, day: string, time: string): Instant | null {
  const [, hour, minute, second = "00"] = TIME.exec(time) ?? [];
  if (hour === undefined || !isDay(day)) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const local = Date.parse(`${day}T${hour}:${minute}:${second}Z`);
  // No zone is more than a day from UTC, and none turns its clock twice in two days: the offset before and the one
  // after are the only candidates, and the earlier moment belongs to the larger offset.
  const offsets = [offsetAt(zone, local - DAY_MS), offsetAt(zone, local + DAY_MS)];
  const candidates = offsets.map((offset) => local - offset).toSorted((a, b) => a - b);
  const exact = candidates.find((at) => at + offsetAt(zone, at) === local);
  return new Date(exact ?? local - (offsets[0] ?? 0)).toISOString();
}

function midnightUtc(day: Day): number {
  if (!isDay(day)) throw new RangeError("not a day of the calendar (YYYY-MM-DD)");
  return Date.parse(`${day}T00:00:00Z`);
}

/** Milliseconds by which the zone's clock is ahead of UTC at a moment. */
function offsetAt(zone: string, at: number): number {
  const { year, month, day, hour, minute, second } = wallClock(zone, new Date(at));
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`) - Math.floor(at / 1000) * 1000;
}

/** By zone, the days of UTC (counted from 1970) whose offset is known. */
const offsets = new Map<string, Map<number, number | null>>();
const MOST_DAYS = 10_000;

/**
 * The zone's offset in milliseconds, where it is one for a whole day of UTC (counted from 1970); null where the clock is
 * turned within it. Remembered, because a page of rows asks for the same few days, and asking Intl for each row was a sixth of a worker's time.
 */
function offsetThrough(zone: string, dayNumber: number): number | null {
  const ofZone = offsets.get(zone) ?? new Map<number, number | null>();
  const known = ofZone.get(dayNumber);
  if (known !== undefined) return known;
  // No zone turns its clock twice in two days: the same offset at both ends is the offset in between.
  const offset = offsetAt(zone, dayNumber * DAY_MS);
  const found = offset === offsetAt(zone, (dayNumber + 1) * DAY_MS) ? offset : null;
  if (ofZone.size >= MOST_DAYS) ofZone.clear();
  offsets.set(zone, ofZone.set(dayNumber, found));
  return found;
}

const dayTexts = new Map<number, Day>();

/** The day that many days after 1970-01-01. Remembered: writing it was a twentieth of a worker's time. */
function dayText(dayNumber: number): Day {
  const known = dayTexts.get(dayNumber);
  if (known !== undefined) return known;
  const text = new Date(dayNumber * DAY_MS).toISOString().slice(0, 10);
  if (dayTexts.size >= MOST_DAYS) dayTexts.clear();
  dayTexts.set(dayNumber, text);
  return text;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function wallClock(zone: string, at: Date) {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "iso8601",
      numberingSystem: "latn",
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formats.set(zone, format);
  }
  const found = new Map(format.formatToParts(at).map((part) => [part.type, part.value]));
  const part = (type: Intl.DateTimeFormatPartTypes, length: number) => (found.get(type) ?? "").padStart(length, "0");
  return {
    year: part("year", 4),
    month: part("month", 2),
    day: part("day", 2),
    hour: part("hour", 2),
    minute: part("minute", 2),
    second: part("second", 2),
  };
}
