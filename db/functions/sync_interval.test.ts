import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { numbered } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

type Case = {
  adminAccount: string | null;
  adminPlatform: string | null;
  user: string | null;
  activity: number | null;
  default: string;
};

async function syncIntervals(db: Queryable, cases: Case[]): Promise<string[]> {
  const { rows } = await db.query(
    `select app_private.sync_interval("adminAccount", "adminPlatform", "user", activity, "default")::text as answer
     from json_to_recordset($1)
       as c ("adminAccount" interval, "adminPlatform" interval, "user" interval, activity smallint, "default" interval, n int)
     order by n`,
    [numbered(cases)],
  );
  return z
    .array(z.object({ answer: z.string() }))
    .parse(rows)
    .map(({ answer }) => answer);
}

const nobody: Case = { adminAccount: null, adminPlatform: null, user: null, activity: null, default: "1 day" };

for (const [what, choices, expected] of [
  ["nobody chose: the default", {}, "1 day"],
  ["activity not known yet: the default", { activity: null }, "1 day"],
  ["three a week and more: the default", { activity: 12 }, "1 day"],
  ["eleven in four weeks: every second", { activity: 11 }, "2 days"],
  ["two in four weeks: every second", { activity: 2 }, "2 days"],
  ["one in four weeks: every third", { activity: 1 }, "3 days"],
  ["nothing at all: every third", { activity: 0 }, "3 days"],
  ["a user's choice is never stretched", { user: "6 hours", activity: 0 }, "06:00:00"],
  ["nor shortened", { user: "7 days", activity: 12 }, "7 days"],
  ["the platform's admin beats the user", { adminPlatform: "2 days", user: "1 hour" }, "2 days"],
  [
    "the account's admin beats everybody",
    { adminAccount: "1 hour", adminPlatform: "2 days", user: "7 days" },
    "01:00:00",
  ],
] as const) {
  test(
    what,
    withDb(async (t, db) => {
      t.deepEqual(await syncIntervals(db, [{ ...nobody, ...choices }]), [expected]);
    }),
  );
}

const anyInterval = fc.constantFrom("15 min", "1 hour", "1 day", "2 days", "7 days", "30 days");
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(arbitrary, { nil: null });

test(
  "whatever was chosen: admin of the account over admin of the platform over user over tier over default",
  withDb(async (t, db) => {
    const cases = fc.array(
      fc.record({
        adminAccount: maybe(anyInterval),
        adminPlatform: maybe(anyInterval),
        user: maybe(anyInterval),
        activity: maybe(fc.integer({ min: 0, max: 12 })),
        default: anyInterval,
      }),
      { minLength: 1, maxLength: 500 },
    );
    await fc.assert(
      fc.asyncProperty(cases, async (choices) => {
        const answers = await syncIntervals(db, choices);
        const ofOneVoice = await syncIntervals(
          db,
          choices.map((c) => {
            const chosen = c.adminAccount ?? c.adminPlatform ?? c.user;
            return chosen === null
              ? { ...nobody, activity: c.activity, default: c.default }
              : { ...nobody, default: chosen };
          }),
        );
        t.deepEqual(answers, ofOneVoice);
      }),
      { numRuns: 10 },
    );
  }),
);
