/**
 * What was done to a world, one JSON line each, appended as it happens: with the seed it is all that is needed to build
 * the same world again. A line cut short by a crash is the last one, and is left out.
 */
import { appendFileSync, existsSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { Seed } from "../random.ts";
import { action, type Action } from "./actions.ts";
import { BadJournal } from "./errors.ts";

const heading = z.strictObject({ journal: z.literal("mono simulator"), seed: z.union([z.string(), z.number()]) });
const entry = z.strictObject({ at: z.int(), action });

export type JournalEntry = { at: number; action: Action };

export class Journal {
  readonly #path: string;
  readonly #seed: Seed;

  /** @throws BadJournal when the file is another seed's, or none of ours. */
  static open(path: string, seed: Seed): { journal: Journal; entries: JournalEntry[] } {
    const journal = new Journal(path, seed);
    if (!existsSync(path)) {
      journal.clear();
      return { journal, entries: [] };
    }
    const content = readFileSync(path, "utf8");
    const whole = content.slice(0, content.lastIndexOf("\n") + 1);
    if (whole.length < content.length) truncateSync(path, Buffer.byteLength(whole));
    const [first, ...rest] = whole.split("\n").filter((line) => line !== "");
    if (first === undefined || parseLine(heading, first, path).seed !== seed) {
      throw new BadJournal(`${path} belongs to another seed`);
    }
    return { journal, entries: rest.map((line) => parseLine(entry, line, path)) };
  }

  private constructor(path: string, seed: Seed) {
    this.#path = path;
    this.#seed = seed;
  }

  append(at: number, done: Action): void {
    const line = JSON.stringify({ at, action: done }, (_key, part: unknown) =>
      typeof part === "bigint" ? part.toString() : part,
    );
    appendFileSync(this.#path, `${line}\n`);
  }

  clear(): void {
    writeFileSync(this.#path, `${JSON.stringify({ journal: "mono simulator", seed: this.#seed })}\n`, { mode: 0o600 });
  }
}

function parseLine<T>(schema: z.ZodType<T>, line: string, path: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new BadJournal(`${path} is no journal of the Mono simulator`, { cause });
  }
}
