import test from "ava";
import fc from "fast-check";
import { formatsFor } from "./formats.ts";

const plain = (text: string): string => text.replaceAll(/[\u00a0\u202f]/g, " ");

test("money is written exactly, however many digits it has: no float is in between", (t) => {
  const formats = formatsFor("en-NG", "just now", "Africa/Lagos");
  const money: typeof formats.money = (...args) => formats.money(...args);
  t.is(money("9007199254740993.07", "NGN"), "₦9,007,199,254,740,993.07");
  t.is(money("-12.50", "NGN", { sign: true }), "-₦12.50");
  t.is(money("12.50", "NGN", { sign: true }), "+₦12.50");
  t.is(plain(formatsFor("fr-CM", "", "Africa/Douala").money("1234567.00", "XAF")), "1 234 567 FCFA");
  t.is(money("not a number", "NGN"), "not a number NGN");
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 24n }), fc.integer({ min: 0, max: 99 }), (major, minor) => {
      const cents = String(minor).padStart(2, "0");
      return money(`${major}.${cents}`, "NGN").replaceAll(/[^\d.]/g, "") === `${major}.${cents}`;
    }),
  );
});

test("moments are the reader's, days belong to no zone", (t) => {
  const now = new Date("2026-03-10T23:30:00Z");
  const lagos = formatsFor("en-GB", "just now", "Africa/Lagos");
  const lisbon = formatsFor("en-GB", "just now", "Europe/Lisbon");
  t.is(lagos.moment("2026-03-11T05:00:00Z", now), "06:00");
  t.is(lisbon.moment("2026-03-11T05:00:00Z", now), "tomorrow, 05:00");
  t.is(lagos.day("2026-03-10", now), "yesterday");
  t.is(lisbon.day("2026-03-10", now), "today");
  t.is(lisbon.day("2026-03-03", now), "3 Mar");
  t.is(lisbon.day("2025-03-03", now), "3 Mar 2025");
  t.is(lisbon.days("2026-03-03", "2026-03-05", now).replaceAll(/\s/g, ""), "3–5Mar");
  t.is(lisbon.ago("2026-03-10T23:29:30Z", now), "just now");
  t.is(lisbon.ago("2026-03-10T23:25:00Z", now), "5 min ago");
  t.is(lisbon.ago("2026-03-10T20:00:00Z", now), "3 hr ago");
  t.is(lisbon.ago("2026-03-09T20:00:00Z", now), "yesterday, 20:00");
});
