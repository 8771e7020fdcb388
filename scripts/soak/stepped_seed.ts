import type { ExecutionContext } from "ava";
import { withClonedDb } from "../../db/testing/database.ts";
import { runStepped, type SteppedOptions, type SteppedReport } from "./stepped.ts";

/** A soak on a database of its own. The tasks of a process share one runtime, so soaks take turns. */
export const stepped = (
  options: Omit<SteppedOptions, "databaseUrl">,
  check: (t: ExecutionContext, report: SteppedReport) => void,
): ReturnType<typeof withClonedDb> =>
  withClonedDb(async (t, cloned) => check(t, await runStepped({ ...options, databaseUrl: cloned.url })));

/** Enough of everything to break in, and nothing broken. */
export const nothingBreaks = (seed: number): ReturnType<typeof withClonedDb> =>
  stepped({ seed, accounts: 12, rounds: 20 }, (t, report) => {
    t.deepEqual(report.violations, [], `seed ${seed}, digest ${report.digest}`);
    t.true(report.faults > 10 && report.kills > 2 && report.pauses > 2);
    t.true((report.runs["success"] ?? 0) > 50 && (report.runs["lost"] ?? 0) > 0);
  });
