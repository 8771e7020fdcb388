import test from "ava";
import { dayName, dayNumber, parseMonoDay, startOfDay } from "./lagos.ts";

test("the day changes at 23:00 UTC", (t) => {
  t.is(dayName(dayNumber(Date.parse("2026-10-09T22:59:59.999Z"))), "2026-10-09");
  t.is(dayName(dayNumber(Date.parse("2026-10-09T23:00:00.000Z"))), "2026-10-10");
  t.is(startOfDay(dayNumber(Date.parse("2026-10-10T12:00:00.000Z"))), Date.parse("2026-10-09T23:00:00.000Z"));
});

test("only DD-MM-YYYY of the calendar is a day", (t) => {
  t.is(dayName(parseMonoDay("29-02-2024") ?? 0), "2024-02-29");
  for (const text of [
    "2026-10-10",
    "1-10-2026",
    "31-02-2026",
    "29-02-2025",
    "10/10/2026",
    "10-13-2026",
    "",
    "10-10-26",
  ]) {
    t.is(parseMonoDay(text), null, text);
  }
});
