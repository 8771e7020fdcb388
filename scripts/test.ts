/**
 * `npm test`: the checks, then every quick test on a Postgres made for the occasion.
 *
 *   npm test                              everything quick
 *   npm test -- db/runs.test.ts           one file, without the checks; AVA's flags (--match, --watch …) work too
 *   npm test -- --postgres 15 db/**       on the oldest Postgres we support
 *   npm run test:full                     the slow tests (*.full.test.ts), then the database's tests on Postgres 15
 *
 * Whatever the tests print, log, answer and store is searched for secrets, account and phone numbers (db/testing/canaries/).
 * A suite that is silent for too long is interrupted: AVA then says which tests it still waits for.
 * TEST_DATABASE_URL makes it use that server (as a superuser) instead of one of its own.
 * With CI set, files that failed, one that hung among them, are run once more, alone: a test that fails by chance does not stop everybody, and is told
 * in the last lines as "unstable", so that it is mended. One that fails twice has failed.
 * The last line is always "N passed, N failed", and "N skipped" where some were.
 */

import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { chmod, mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failedChecks, reportStep } from "./check.ts";
import { canariesIn, describeCanary } from "../db/testing/canaries/catalogue.ts";
import { describeSearch, readLedger, unsearched } from "../db/testing/canaries/ledger.ts";
import { type PostgresVersion, startPostgres } from "./postgres/embedded.ts";
import { type TestCounts, readTestCounts } from "./test_counts.ts";

const root = join(import.meta.dirname, "..");
const folderPrefix = "tidemark-test-";

type Scope = "quick" | "full" | "all";
type Suite = { title: string; version: PostgresVersion; scope: Scope; args: string[] };

const interruption = new AbortController();

/** Where a secret, an account number or a phone number is that nobody meant to be there, a sentence each. */
const leaks = new Set<string>();

async function main(): Promise<void> {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => interruption.abort());
  const failedSteps: string[] = [];
  const unstable: string[] = [];
  const total = { passed: 0, failed: 0, skipped: 0 };
  const { suites, withChecks } = plan(process.argv.slice(2));
  if (withChecks) failedSteps.push(...(await failedChecks()));
  await removeLeftovers();
  for (const suite of suites) {
    if (interruption.signal.aborted) break;
    const started = performance.now();
    let counts = await runSuite(suite);
    if (deservesSecondRun(counts)) {
      console.log(`Once more, alone: ${counts.failedFiles.join(", ")}`);
      const second = await runSuite({ ...suite, scope: "all", args: ["--concurrency=1", ...counts.failedFiles] });
      if (second.failed === 0) unstable.push(...counts.failedFiles);
      // The others of these files passed both times, and count once.
      counts = { ...counts, passed: counts.passed + counts.failed - second.failed, failed: second.failed };
    }
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
    if (counts.failed > 0) failedSteps.push(suite.title);
    reportStep(suite.title, counts.failed === 0, started);
  }
  for (const leak of leaks) console.error(`Leak: ${leak}`);
  if (leaks.size > 0) failedSteps.push("the search for leaks");
  total.failed += leaks.size;
  if (unstable.length > 0) console.log(`Unstable, failed once and then passed alone: ${unstable.join(", ")}`);
  if (failedSteps.length > 0) console.log(`Failed: ${failedSteps.join(", ")}`);
  console.log(`${total.passed} passed, ${total.failed} failed${total.skipped > 0 ? `, ${total.skipped} skipped` : ""}`);
  process.exitCode = failedSteps.length > 0 || interruption.signal.aborted ? 1 : 0;
}

/** More than a few files do not fail by chance. */
function deservesSecondRun({ failed, failedFiles, complete }: TestCounts): boolean {
  return process.env.CI !== undefined && failed > 0 && complete && failedFiles.length > 0 && failedFiles.length <= 3;
}

function plan(args: string[]): { suites: Suite[]; withChecks: boolean } {
  if (args[0] === "--full") {
    const rest = args.slice(1);
    return {
      suites: [
        // One file at a time: what they measure must not be each other.
        { title: "slow tests", version: 18, scope: "full", args: ["--concurrency=1", ...rest] },
        { title: "Postgres 15", version: 15, scope: "quick", args: ["db/**/*.test.ts", ...rest] },
      ],
      withChecks: false,
    };
  }
  const { version, rest } = takeVersion(args);
  const title = version === 18 ? "tests" : `Postgres ${version}`;
  // A file that is asked for by name is run, slow or not.
  const scope = rest.length === 0 ? "quick" : "all";
  return { suites: [{ title, version, scope, args: rest }], withChecks: args.length === 0 };
}

function takeVersion(args: string[]): { version: PostgresVersion; rest: string[] } {
  const at = args.indexOf("--postgres");
  if (at === -1) return { version: 18, rest: args };
  const version = Number(args[at + 1]);
  if (version !== 15 && version !== 18) throw new RangeError("--postgres takes 15 or 18");
  return { version, rest: args.toSpliced(at, 2) };
}

async function runSuite({ version, scope, args }: Suite): Promise<TestCounts> {
  const folder = await mkdtemp(join(tmpdir(), folderPrefix));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const given = process.env.TEST_DATABASE_URL;
  const postgres = given === undefined ? await startTestPostgres(version, folder) : undefined;
  try {
    return await runAva(scope, args, given ?? postgres?.url ?? "", folder);
  } finally {
    await postgres?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * Nothing here outlives the run, so nothing is flushed to disk. full_page_writes stays on, as in production: tests assert
 * what is written to the WAL.
 */
function startTestPostgres(version: PostgresVersion, folder: string): ReturnType<typeof startPostgres> {
  return startPostgres({
    version,
    dataDir: join(folder, "postgres"),
    onLog(line) {
      for (const canary of canariesIn(line)) leaks.add(`the log of Postgres holds ${describeCanary(canary)}: ${line}`);
    },
    settings: {
      fsync: "off",
      synchronous_commit: "off",
      max_connections: "300",
      shared_buffers: "256MB",
      jit: "off",
      max_wal_size: "4GB",
      checkpoint_timeout: "1h",
    },
  });
}

async function runAva(scope: Scope, args: string[], databaseUrl: string, folder: string): Promise<TestCounts> {
  const [countsFile, canariesFile] = [join(folder, "counts.json"), join(folder, "canaries.jsonl")];
  const child = spawn(process.execPath, [join(root, "node_modules", "ava", "entrypoints", "cli.js"), ...args], {
    cwd: root,
    env: {
      ...process.env,
      TEST_SCOPE: scope,
      TEST_COUNTS_FILE: countsFile,
      TEST_CANARIES_FILE: canariesFile,
      TEST_DATABASE_URL: databaseUrl,
    },
    stdio: "inherit",
  });
  const interrupt = (): boolean => child.kill("SIGINT");
  interruption.signal.addEventListener("abort", interrupt);
  const watch = interruptWhenSilent(countsFile, SILENCE_MS[scope], interrupt);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  clearInterval(watch);
  interruption.signal.removeEventListener("abort", interrupt);
  const counts = await readTestCounts(countsFile);
  const canaries = await readLedger(canariesFile);
  for (const leak of canaries.found) leaks.add(leak);
  // A test process that was ended by force has dropped nothing, and is red anyway.
  if (code === 0) for (const gap of unsearched(canaries, scope === "quick" && args.length === 0)) leaks.add(gap);
  console.log(`Searched for leaks: ${describeSearch(canaries)}`);
  // AVA can fail without a failed test, for instance when it found no test at all.
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/** The longest that a test of a scope may take, generously: nothing is heard of it before it ends. */
const SILENCE_MS: Record<Scope, number> = { quick: 180_000, full: 600_000, all: 600_000 };

/**
 * AVA's own watchdog (`timeout` in ava.config.js) is blind once any test called t.timeout(): AVA 8.0.1 does not wind its
 * timer up again when it rings within such a test's time, and then waits for a test that hangs for ever.
 */
function interruptWhenSilent(countsFile: string, longestMs: number, interrupt: () => boolean): NodeJS.Timeout {
  const startedAt = Date.now();
  return setInterval(() => {
    const heardAt = statSync(countsFile, { throwIfNoEntry: false })?.mtimeMs ?? startedAt;
    if (Date.now() - heardAt < longestMs) return;
    console.error(`Nothing was heard of the tests for ${longestMs / 1_000} s: they are interrupted.`);
    interrupt();
  }, 10_000);
}

/** Folders of runs that were killed: a day later nobody looks into them any more. */
async function removeLeftovers(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(folderPrefix));
  for (const name of names) {
    const folder = join(tmpdir(), name);
    const info = await stat(folder).catch(() => undefined);
    if (info !== undefined && Date.now() - info.mtimeMs > 86_400_000)
      await rm(folder, { recursive: true, force: true });
  }
}

await main();
