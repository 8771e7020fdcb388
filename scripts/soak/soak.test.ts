import { execFile } from "node:child_process";
import { join } from "node:path";
import test from "ava";
import { runSoak } from "./run_soak.ts";

test("a short soak with real workers, kills, a sleeper and a crash of Postgres breaks nothing", async (t) => {
  // It waits for the dead to be found out, which takes 25 seconds of machine time.
  t.timeout(120_000);
  const report = await runSoak({
    seed: 11,
    accounts: 12,
    faults: 80,
    workers: 3,
    killEvery: 4,
    pauseEvery: 60,
    crashes: 1,
    faultRate: 0.3,
    limit: 60,
    say: (line) => t.log(line),
  });
  t.deepEqual(report.violations, []);
  t.is(report.faults, 80);
  t.is(report.crashes, 1);
  t.true(report.kills >= 1 && report.transactions > 100);
  t.true((report.worst_recovery_s ?? 0) < 60);
});

test("bad options of `npm run soak` are refused in a sentence, and --help tells them all", async (t) => {
  const soak = (...options: string[]): Promise<{ code: number | null; said: string }> =>
    new Promise((resolve, reject) => {
      const child = execFile(
        process.execPath,
        [join(import.meta.dirname, "../soak.ts"), ...options],
        (error, out, err) =>
          error !== null && typeof error.code !== "number"
            ? reject(error)
            : resolve({ code: child.exitCode, said: out + err }),
      );
    });
  for (const [options, sentence] of [
    [["--seed", "abc"], /^--seed takes a whole number from 0 to 2147483648\.\n$/],
    [["--workers", "1.5"], /^--workers takes a whole number from 1 to 20\.\n$/],
    [["--kill-every="], /^--kill-every takes a whole number from 0 to 3600\.\n$/],
    [["--sed", "3"], /^Unknown option '--sed'/],
  ] as const) {
    const { code, said } = await soak(...options);
    t.is(code, 2);
    t.regex(said, sentence);
  }
  const help = await soak("--help");
  t.is(help.code, 0);
  for (const option of ["seed", "accounts", "faults", "workers", "kill-every", "json"])
    t.regex(help.said, new RegExp(`--${option} `));
});
