import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";

const root = join(import.meta.dirname, "../..");

export type BenchWorkers = {
  processIds: number[];
  stop(): Promise<void>;
};

/** Real workers, `scripts/worker.ts`, one process each, that log to a file as they would in production. */
export async function startWorkers(options: {
  environment: Record<string, string>;
  many: number;
  concurrency: number;
  /** More arguments for Node: --cpu-prof, --max-old-space-size=… */
  node?: string[];
}): Promise<BenchWorkers> {
  const workers = await Promise.all(Array.from({ length: options.many }, () => startOne(options)));
  const stopAll = async (): Promise<void> => {
    await Promise.all(
      workers.map(async ({ child, logFile }) => {
        const gone = once(child, "exit");
        child.kill("SIGTERM");
        await gone;
        await rm(logFile);
      }),
    );
  };
  let stopped: Promise<void> | undefined;
  return {
    processIds: workers.map(({ child }) => child.pid ?? 0),
    stop: () => (stopped ??= stopAll()),
  };
}

async function startOne(options: {
  environment: Record<string, string>;
  concurrency: number;
  node?: string[];
}): Promise<{ child: ChildProcess; logFile: string }> {
  const logFile = join(tmpdir(), `tidemark-bench-${randomUUID()}.log`);
  const log = await open(logFile, "w");
  const args = [...(options.node ?? []), join(root, "scripts/worker.ts"), "--platform", "mono"];
  const child = spawn(process.execPath, [...args, "--concurrency", String(options.concurrency)], {
    // No .env of whoever runs the bench.
    cwd: import.meta.dirname,
    env: { PATH: process.env["PATH"], ...options.environment },
    stdio: ["ignore", log.fd, log.fd],
  });
  await log.close();
  process.once("exit", () => child.kill("SIGKILL"));
  for (let waited = 0; ; waited += 1) {
    const said = await readFile(logFile, "utf8");
    if (said.includes('"worker started"')) return { child, logFile };
    if (child.exitCode !== null || waited > 1_000) throw new Error(`A worker did not start: ${said.slice(-2_000)}`);
    await pause(20);
  }
}
