import { readFile } from "node:fs/promises";
import { relative } from "node:path";
import { z } from "zod";

/** What came of a run of AVA. */
export type TestCounts = {
  passed: number;
  failed: number;
  skipped: number;
  /** Test files of which something failed, as paths from here. */
  failedFiles: string[];
  /** Whether every file had its turn, and at most one of them hung; a run that was interrupted left some out. */
  complete: boolean;
};

const count = z.number().int();
const failures = {
  failedTests: count,
  failedHooks: count,
  remainingTests: count,
  uncaughtExceptions: count,
  unhandledRejections: count,
  internalErrors: count,
};
const fileStats = z.object({ ...failures, unexpectedProcessExits: count });
const avaStats = z.object({
  ...failures,
  passedTests: count,
  passedKnownFailingTests: count,
  skippedTests: count,
  files: count,
  timeouts: count,
  byFile: z.record(z.string(), fileStats),
});

const sum = (numbers: Record<string, number>): number =>
  Object.values(numbers).reduce((total, number) => total + number, 0);

/** What ava.config.js wrote to `file`; nothing at all when AVA did not get as far as a test. */
export async function readTestCounts(file: string): Promise<TestCounts> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return { passed: 0, failed: 0, skipped: 0, failedFiles: [], complete: false };
  const { byFile, passedTests, passedKnownFailingTests, skippedTests, files, timeouts, ...failed } = avaStats.parse(
    JSON.parse(text),
  );
  return {
    passed: passedTests + passedKnownFailingTests,
    failed: sum(failed),
    skipped: skippedTests,
    failedFiles: Object.keys(byFile)
      .filter((name) => sum(byFile[name] ?? {}) > 0)
      .map((name) => relative(".", name)),
    complete: timeouts <= 1 && Object.keys(byFile).length === files,
  };
}
