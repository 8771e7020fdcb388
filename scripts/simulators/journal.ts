/** A file of events, one JSON object a line, from which a simulator comes back as it was. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { Seed } from "./random.ts";

export type Journal<Event> = {
  /** The events of earlier lives, oldest first. */
  past: Event[];
  append(event: Event): void;
  clear(): void;
};

/** The file is another seed's, or none of this simulator's. */
export class BadJournal extends Error {
  override readonly name = "BadJournal";
}

/**
 * @param options.of whose it is: `momo`
 * @param options.path null keeps nothing.
 * @throws BadJournal. A last line cut short by a kill was never acted upon and is dropped.
 */
export function openJournal<Event>(options: {
  of: string;
  path: string | null;
  seed: Seed;
  event: z.ZodType<Event>;
}): Journal<Event> {
  const { of, path, seed } = options;
  if (path === null) return { past: [], append: () => undefined, clear: () => undefined };
  const headingSchema = z.strictObject({
    journal: z.literal(`${of} simulator`),
    seed: z.union([z.string(), z.number()]),
  });
  const parseLine = <T>(schema: z.ZodType<T>, line: string): T => {
    try {
      return schema.parse(JSON.parse(line));
    } catch (cause) {
      throw new BadJournal(`${path} is no journal of the simulator of ${of}`, { cause });
    }
  };
  const clear = (): void =>
    writeFileSync(path, `${JSON.stringify({ journal: `${of} simulator`, seed })}\n`, { mode: 0o600 });
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) clear();
  const stored = readFileSync(path, "utf8");
  const whole = stored.slice(0, stored.lastIndexOf("\n") + 1);
  if (whole.length < stored.length) truncateSync(path, Buffer.byteLength(whole));
  const [heading = "", ...lines] = whole.split("\n").filter((line) => line !== "");
  if (parseLine(headingSchema, heading).seed !== seed) throw new BadJournal(`${path} belongs to another seed`);
  return {
    past: lines.map((line) => parseLine(options.event, line)),
    // Synchronous, so that the order of the file is the order of the events.
    append: (event) => appendFileSync(path, `${JSON.stringify(event)}\n`),
    clear,
  };
}
