import test from "ava";
import fc from "fast-check";
import { MAX_RETRY_AFTER_SECONDS, parseRetryAfter } from "./retry_after.ts";

const now = new Date("2026-03-01T12:00:00Z");

test("seconds, and dates counted from the given clock", (t) => {
  t.is(parseRetryAfter("0", now), 0);
  t.is(parseRetryAfter(" 120 ", now), 120);
  t.is(parseRetryAfter("Sun, 01 Mar 2026 12:01:30 GMT", now), 90);
  t.is(parseRetryAfter("Sun, 01 Mar 2026 11:00:00 GMT", now), 0, "a date in the past asks for no wait");
});

test("nobody sends us away for more than a day", (t) => {
  t.is(parseRetryAfter("99999999999999999999", now), MAX_RETRY_AFTER_SECONDS);
  t.is(parseRetryAfter("Fri, 01 Jan 2100 00:00:00 GMT", now), MAX_RETRY_AFTER_SECONDS);
});

test("what is neither is no answer", (t) => {
  for (const header of [
    null,
    "",
    "soon",
    "-5",
    "1.5",
    "1e3",
    "0x10",
    "2026-03-01T12:00:00Z",
    "Sun, 99 Foo 2026 12:00:00 GMT",
  ]) {
    t.is(parseRetryAfter(header, now), null, String(header));
  }
});

test("whatever the header, the answer is null or within the cap", (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.integer().map(String),
        fc.date({ noInvalidDate: true }).map((d) => d.toUTCString()),
      ),
      (header) => {
        const seconds = parseRetryAfter(header, now);
        return seconds === null || (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_RETRY_AFTER_SECONDS);
      },
    ),
  );
  t.pass();
});
