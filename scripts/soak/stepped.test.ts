import test from "ava";
import { nothingBreaks, stepped } from "./stepped_seed.ts";

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

test.serial("faults, kills and late wakers lose nothing and double nothing: seed 101", nothingBreaks(101));
