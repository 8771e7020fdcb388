import { writeFileSync } from "node:fs";
import { PrintedCanaries } from "./db/testing/canaries/printed.ts";

const { TEST_SCOPE: scope = "quick", TEST_COUNTS_FILE: countsFile } = process.env;

const quick = ["db/**/*.test.ts", "tasks/**/*.test.ts", "server/**/*.test.ts", "scripts/**/*.test.ts"];

/** Which files a run looks at; `npm test` is quick, scripts/test.ts chooses the others. */
const scopes = {
  quick: [...quick, "!**/*.full.test.ts"],
  full: ["**/*.full.test.ts"],
  all: quick,
};

/** Searches what is printed for canaries. AVA tells its numbers to people only, and leaves out how many passed when one failed: scripts/test.ts wants both. */
async function writeCounts({ events }) {
  const printed = new PrintedCanaries();
  process.once("exit", () => printed.end());
  for await (const event of events) {
    printed.hear(event);
    if (event.type !== "stats" || countsFile === undefined) continue;
    const { byFile, ...stats } = event.stats;
    writeFileSync(countsFile, JSON.stringify({ ...stats, byFile: Object.fromEntries(byFile) }));
  }
}

export default {
  files: scopes[scope],
  extensions: ["ts"],
  require: [
    "./server/web/testing/load_tsx.ts",
    "./db/testing/canaries/in_test_process.ts",
    "./db/testing/leave_in_time.ts",
  ],
  // As fast as threads (measured on two cores), and a test may start servers, signal itself and exit as production does.
  workerThreads: false,
  // No test may be silent for longer. Building the template database takes about three seconds of it; slow tests are slow.
  timeout: scope === "full" ? "8m" : "60s",
  nonSemVerExperiments: { observeRunsFromConfig: true },
  observeRun: writeCounts,
};
