import test, { type ExecutionContext } from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { runStepped, type SteppedOptions, type SteppedReport } from "./stepped.ts";

/** A soak on a database of its own. The tasks of a process share one runtime, so soaks take turns. */
const stepped = (
  options: Omit<SteppedOptions, "databaseUrl">,
  check: (t: ExecutionContext, report: SteppedReport) => void,
) => withClonedDb(async (t, cloned) => check(t, await runStepped({ ...options, databaseUrl: cloned.url })));

const digests: string[] = [];

for (const time of ["first", "second"]) {
  test.serial(
    `one seed is one sequence of runs and requests (${time} time)`,
    stepped({ seed: 7, accounts: 8, rounds: 12 }, (t, report) => {
      t.deepEqual(report.violations, []);
      digests.push(report.digest);
      t.is(new Set(digests).size, 1);
    }),
  );
}

test.serial(
  "another seed is another sequence",
  stepped({ seed: 8, accounts: 8, rounds: 12 }, (t, report) => {
    t.deepEqual(report.violations, []);
    t.false(digests.includes(report.digest));
  }),
);

for (const seed of [101, 102, 103]) {
  test.serial(
    `faults, kills and late wakers lose nothing and double nothing: seed ${seed}`,
    stepped({ seed, accounts: 12, rounds: 20 }, (t, report) => {
      t.deepEqual(report.violations, [], `seed ${seed}, digest ${report.digest}`);
      t.true(report.faults > 10 && report.kills > 2 && report.pauses > 2);
      t.true((report.runs["success"] ?? 0) > 50 && (report.runs["lost"] ?? 0) > 0);
    }),
  );
}
