import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { watchOver } from "./worker_processes.ts";

const root = join(import.meta.dirname, "../..");

const logLine = z.looseObject({ msg: z.string().optional(), level: z.string().optional() });
export type LogLine = z.infer<typeof logLine>;

type Waiting = { isSo: () => boolean; resolve: () => void; reject: (error: Error) => void };

/** One real worker, `scripts/worker.ts`, and what it says. Nobody replaces it. */
export class OneWorker {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #waiting = new Set<Waiting>();
  #hasEnded = false;
  /** All that it wrote, and the part of it that is log lines. */
  readonly lines: string[] = [];
  readonly said: LogLine[] = [];

  /**
   * @param options.environment what it needs on top of PATH
   * @param options.release the checkout it is started from, this one unless told
   */
  constructor(options: { environment: Record<string, string>; args?: string[]; release?: string }) {
    const { environment, args = [], release = root } = options;
    this.#child = spawn(process.execPath, [join(release, "scripts/worker.ts"), ...args], {
      // No .env of whoever runs the test.
      cwd: import.meta.dirname,
      env: { PATH: process.env["PATH"], ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    watchOver(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on("line", (line) => this.#hear(line));
    }
    this.#ended = this.#end();
  }

  /** Resolves when what it said makes this true. Rejects when it ends before. */
  async until(isSo: () => boolean): Promise<void> {
    if (isSo()) return;
    if (this.#hasEnded) throw this.#endedTooSoon();
    await new Promise<void>((resolve, reject) => this.#waiting.add({ isSo, resolve, reject }));
  }

  /** Resolves when it has said that, now or before. */
  async says(message: string): Promise<LogLine> {
    const found = (): LogLine | undefined => this.said.find(({ msg }) => msg === message);
    await this.until(() => found() !== undefined);
    return found() ?? {};
  }

  /** Resolves when it has brought so many more accounts up to date. */
  async succeeds(times: number): Promise<void> {
    const runs = (): number => this.said.filter(({ msg }) => msg === "run succeeded").length;
    const wanted = runs() + times;
    await this.until(() => runs() >= wanted);
  }

  /** What it answers to a scrape. It must have been given TIDEMARK_METRICS_PORT. */
  async metrics(): Promise<string> {
    const { url } = await this.says("metrics are served");
    return (await fetch(z.string().parse(url))).text();
  }

  /** SIGTERM; answers its exit code. */
  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.#ended;
  }

  /** SIGTERM, so that its sessions end with it and not a moment later; SIGKILL where that takes a minute. */
  async end(): Promise<void> {
    const impatience = setTimeout(() => this.#child.kill("SIGKILL"), 60_000);
    await this.stop();
    clearTimeout(impatience);
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#ended;
  }

  #hear(line: string): void {
    this.lines.push(line);
    const said = readLine(line);
    if (said !== null) this.said.push(said);
    for (const waiting of this.#waiting) {
      if (!waiting.isSo()) continue;
      this.#waiting.delete(waiting);
      waiting.resolve();
    }
  }

  async #end(): Promise<number | null> {
    const [code] = z.tuple([z.number().nullable(), z.unknown()]).parse(await once(this.#child, "close"));
    this.#hasEnded = true;
    for (const { reject } of this.#waiting) reject(this.#endedTooSoon());
    this.#waiting.clear();
    return code;
  }

  #endedTooSoon(): Error {
    return new Error(`the worker ended before that: ${this.lines.slice(-5).join("\n")}`);
  }
}

function readLine(line: string): LogLine | null {
  try {
    return logLine.safeParse(JSON.parse(line)).data ?? null;
  } catch (error) {
    // Words of Node itself, or the half of a line that a kill leaves.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
