import test from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { plantedBugs } from "./mutations.ts";
import { runStepped } from "./stepped.ts";
import type { Violation } from "./violation.ts";

/** Seeds on which a bug may show itself, tried until it does; the control is green on every one of them. */
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const SIZE = { accounts: 12, rounds: 30, faultRate: 0.15 };

for (const { name, breaks, mutation } of plantedBugs) {
  test.serial(`caught: ${name}`, async (t) => {
    let found: Violation | undefined;
    for (const seed of SEEDS) {
      const onOneSeed = withClonedDb(async (_t, cloned) => {
        const { violations } = await runStepped({ ...SIZE, seed, mutation, databaseUrl: cloned.url });
        found = violations.find(({ invariant }) => breaks.includes(invariant));
        const first = violations[0];
        t.log(`seed ${seed}: ${first === undefined ? "green" : `${first.invariant}: ${first.detail}`}`);
      });
      await onOneSeed(t);
      if (found !== undefined) break;
    }
    t.not(found, undefined, `none of ${breaks.join(", ")} broke on ${SEEDS.length} seeds`);
  });
}

for (const seed of SEEDS) {
  test.serial(
    `the control, nothing planted: seed ${seed}`,
    withClonedDb(async (t, cloned) => {
      const { violations } = await runStepped({ ...SIZE, seed, databaseUrl: cloned.url });
      t.deepEqual(violations, []);
    }),
  );
}
