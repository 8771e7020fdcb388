import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";

const root = join(import.meta.dirname, "../..");

/** What the soak wants to know of a worker's log lines. */
const logLine = z.object({ level: z.string(), msg: z.string().optional(), pool: z.string().optional() });

export type WorkerProcess = {
  /** 1, 2, 3, … over all replacements. */
  number: number;
  child: ChildProcess;
  /** Its names in job.locked_by and sync_states.held_by, as soon as it has had a job. */
  pools: Set<string>;
  state: "running" | "paused" | "ended";
  /** It takes jobs. */
  isReady: boolean;
  /** What it said last, oldest first. */
  lastLines: string[];
  started: Promise<void>;
};

const KEPT_LINES = 400;
/** Enough for the stack of what ended a process. */
const LAST_WORDS = 15;

/**
 * Real workers, `scripts/worker.ts`, each a process. A worker that ends is replaced at once, as a supervisor would; one
 * that ends without being told to is a finding.
 */
export class WorkerProcesses {
  readonly #environment: Record<string, string>;
  #arguments: string[];
  readonly #all: WorkerProcess[] = [];
  readonly #lines: string[] = [];
  readonly #problems = new Map<string, number>();
  readonly #unexpected: string[] = [];
  readonly #slowStops: string[] = [];
  #stopping = false;
  /** Workers that ended before they took any job. */
  failedStarts = 0;

  /** @param environment what the workers need on top of PATH */
  constructor(environment: Record<string, string>, workerArguments: string[]) {
    this.#environment = environment;
    this.#arguments = workerArguments;
  }

  async start(many: number): Promise<void> {
    await Promise.all(Array.from({ length: many }, () => this.#spawn().started));
  }

  /** Those that take jobs now. */
  working(): WorkerProcess[] {
    return this.#all.filter(({ state, isReady }) => state === "running" && isReady);
  }

  /** Every pool of every process that is not alive any more. */
  deadPools(): string[] {
    return this.#all.filter(({ state }) => state === "ended").flatMap(({ pools }) => [...pools]);
  }

  /** Pools that do nothing now: the dead ones, and those of sleepers. */
  silentPools(): string[] {
    return this.#all.filter(({ state }) => state !== "running").flatMap(({ pools }) => [...pools]);
  }

  /** Workers that ended though nobody had ended them, in a sentence each. */
  unexpectedEnds(): string[] {
    return [...this.#unexpected];
  }

  /** Workers that had to be killed because they did not stop in time, in a sentence each. */
  slowStops(): string[] {
    return [...this.#slowStops];
  }

  /** Warnings and errors by their words, with how often they came. */
  problems(): Record<string, number> {
    return Object.fromEntries([...this.#problems].toSorted(([, a], [, b]) => b - a).slice(0, 30));
  }

  /** The last lines that any worker wrote. */
  lastLines(): string[] {
    return [...this.#lines];
  }

  /** kill -9. Resolves when it is gone and its replacement is being started. */
  async kill(worker: WorkerProcess): Promise<void> {
    worker.state = "ended";
    const gone = once(worker.child, "close");
    worker.child.kill("SIGKILL");
    await gone;
    if (!this.#stopping) this.#spawn();
  }

  pause(worker: WorkerProcess): void {
    worker.state = "paused";
    worker.child.kill("SIGSTOP");
  }

  resume(worker: WorkerProcess): void {
    if (worker.state !== "paused") return;
    worker.state = "running";
    worker.child.kill("SIGCONT");
  }

  /** The same number of new workers, called in another way; the old ones are stopped first, as `stop` does. */
  async replace(workerArguments: string[], withinMs: number): Promise<void> {
    const many = this.#all.filter(({ state }) => state !== "ended").length;
    await this.stop(withinMs);
    this.#stopping = false;
    this.#arguments = workerArguments;
    await this.start(many);
  }

  /** SIGTERM to all; a worker that has not ended by itself in time is a finding, and is killed. */
  async stop(withinMs: number): Promise<void> {
    this.#stopping = true;
    await Promise.all(
      this.#all
        .filter(({ state }) => state !== "ended")
        .map(async (worker) => {
          const gone = once(worker.child, "close");
          this.resume(worker);
          worker.state = "ended";
          worker.child.kill("SIGTERM");
          const impatience = setTimeout(() => {
            this.#slowStops.push(`worker ${worker.number} had not ended ${withinMs} ms after SIGTERM`);
            worker.child.kill("SIGKILL");
          }, withinMs);
          await gone;
          clearTimeout(impatience);
        }),
    );
  }

  #spawn(): WorkerProcess {
    const child = spawn(process.execPath, [join(root, "scripts/worker.ts"), ...this.#arguments], {
      // No .env of whoever runs the soak: these workers know the simulators only.
      cwd: import.meta.dirname,
      env: { PATH: process.env["PATH"], ...this.#environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    watchOver(child);
    let begun = (): void => undefined;
    const started = new Promise<void>((resolve) => {
      begun = resolve;
    });
    const worker: WorkerProcess = {
      number: this.#all.length + 1,
      child,
      pools: new Set(),
      state: "running",
      isReady: false,
      lastLines: [],
      started,
    };
    this.#all.push(worker);
    const hear = (line: string): void => {
      worker.lastLines.push(line);
      if (worker.lastLines.length > LAST_WORDS) worker.lastLines.shift();
      this.#lines.push(`worker ${worker.number}: ${line}`);
      if (this.#lines.length > KEPT_LINES) this.#lines.shift();
      const said = parseLine(line);
      if (said === null) return;
      if (said.pool !== undefined) worker.pools.add(said.pool);
      if (said.msg === "worker started") {
        worker.isReady = true;
        begun();
      }
      if (said.level !== "info" && said.level !== "debug") this.#count(said.msg ?? "");
    };
    createInterface({ input: child.stdout }).on("line", hear);
    createInterface({ input: child.stderr }).on("line", hear);
    child.once("close", (code, signal) => {
      begun();
      if (worker.state === "ended") return;
      worker.state = "ended";
      // Postgres may be away just then: whoever cannot begin says so and is started again.
      if (worker.isReady) {
        this.#unexpected.push(
          `worker ${worker.number} ended by itself (${signal ?? `exit ${code}`}): ${worker.lastLines.join("\n")}`,
        );
      } else this.failedStarts += 1;
      if (!this.#stopping) this.#spawn();
    });
    return worker;
  }

  #count(message: string): void {
    // One entry a kind of problem, not one a job.
    const words = message.replaceAll(/'[^']*'|\d+/g, "…").slice(0, 160);
    this.#problems.set(words, (this.#problems.get(words) ?? 0) + 1);
  }
}

/** A shell that waits for the end of a pipe only we hold: no worker, not even a sleeper, outlives a soak that was killed. */
export function watchOver(child: ChildProcess): void {
  if (child.pid === undefined) return;
  const watchdog = spawn("sh", ["-c", 'read -r _; kill -9 "$1"', "sh", String(child.pid)], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  // Its number may belong to somebody else soon after.
  child.once("exit", () => watchdog.kill("SIGKILL"));
}

function parseLine(line: string): z.infer<typeof logLine> | null {
  if (!line.startsWith("{")) return null;
  try {
    return logLine.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    // A worker that is killed may leave half a line.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
