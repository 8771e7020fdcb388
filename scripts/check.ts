/** `npm run check`: everything that can be said about the code without running it. `npm test` begins with it. */

import { spawn } from "node:child_process";
import { join } from "node:path";
import { styleText } from "node:util";
import { packageProblems } from "./package_problems.ts";

const root = join(import.meta.dirname, "..");

/** A check says what is wrong, or nothing. */
type Check = { name: string; run: () => Promise<string> };

const checks: Check[] = [
  { name: "packages", run: async () => (await packageProblems(root)).join("\n") },
  { name: "types", run: () => complaintsOf("tsc", ["--project", "."]) },
  { name: "page types", run: () => complaintsOf("tsc", ["--project", "server/web"]) },
  { name: "lint", run: () => complaintsOf("oxlint", ["--type-aware", "--deny-warnings"]) },
  { name: "format", run: () => complaintsOf("prettier", ["--check", "--log-level", "warn", "."]) },
];

/** Runs every check, one readable line each, and answers the names of those that failed. */
export async function failedChecks(): Promise<string[]> {
  const failed: string[] = [];
  for (const { name, run } of checks) {
    const started = performance.now();
    const complaints = await run();
    if (complaints !== "") {
      failed.push(name);
      console.log(complaints.trimEnd());
    }
    reportStep(name, complaints === "", started);
  }
  return failed;
}

/** One line for a finished step: what, how it went, how long it took. `started` is from performance.now(). */
export function reportStep(name: string, isGood: boolean, started: number): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const verdict = isGood ? styleText("green", "ok") : styleText("red", "failed");
  console.log(`${name.padEnd(12)} ${verdict}  ${seconds} s`);
}

/** Output of a program that failed; nothing when it succeeded. */
function complaintsOf(program: string, args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, "node_modules", ".bin", program), args, {
      cwd: root,
      env: { ...process.env, ...(process.stdout.isTTY ? { FORCE_COLOR: "1" } : {}) },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    const keep = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    child.once("error", reject);
    child.once("close", (code) => {
      if (code === 0) resolve("");
      else resolve(output.trim() === "" ? `${program} failed without a word (exit code ${String(code)})` : output);
    });
  });
}

if (import.meta.main) {
  const failed = await failedChecks();
  if (failed.length > 0) {
    console.log(`Failed: ${failed.join(", ")}`);
    process.exitCode = 1;
  }
}
