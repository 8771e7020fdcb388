import test from "ava";
import fc from "fast-check";
import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { numbered } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";

async function secondsAfter(db: Queryable, cases: { failures: number; account: string }[]): Promise<number[]> {
  const { rows } = await db.query(
    `select extract(epoch from app_private.retry_delay(failures, account))::float8 as seconds
     from json_to_recordset($1) as c (failures int, account uuid, n int)
     order by n`,
    [numbered(cases)],
  );
  return z
    .array(z.object({ seconds: z.number() }))
    .parse(rows)
    .map(({ seconds }) => seconds);
}

/** Minutes after the 1st, 2nd, … failure in a row. */
const table = [1, 2, 5, 15, 30, 60, 120, 240, 360];

test(
  "the table, each value spread by a fifth and the same when asked again",
  withDb(async (t, db) => {
    const cases = fc.array(fc.record({ failures: fc.integer({ min: -5, max: 1000 }), account: fc.uuid() }), {
      minLength: 1,
      maxLength: 500,
    });
    await fc.assert(
      fc.asyncProperty(cases, async (asked) => {
        const answers = await secondsAfter(db, asked);
        t.deepEqual(await secondsAfter(db, asked), answers);
        for (const [n, { failures }] of asked.entries()) {
          const middle = 60 * (table[Math.min(Math.max(failures, 1), 9) - 1] ?? NaN);
          const answer = answers[n] ?? NaN;
          t.true(answer >= 0.8 * middle - 0.001 && answer <= 1.2 * middle, `${failures} failures: ${answer} s`);
        }
      }),
      { numRuns: 10 },
    );
  }),
);

test(
  "accounts that failed together do not come back together, nor does one always come early",
  withDb(async (t, db) => {
    const account = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
    const together = await secondsAfter(
      db,
      Array.from({ length: 1000 }, (_, n) => ({ failures: 9, account: account(n) })),
    );
    t.true(new Set(together).size > 990);
    const mean = together.reduce((sum, seconds) => sum + seconds, 0) / together.length;
    t.true(Math.abs(mean / 21_600 - 1) < 0.02, `mean ${mean} s`);
    const alone = await secondsAfter(
      db,
      Array.from({ length: 20 }, (_, n) => ({ failures: 9 + n, account: account(1) })),
    );
    t.true(new Set(alone).size === 20);
  }),
);
