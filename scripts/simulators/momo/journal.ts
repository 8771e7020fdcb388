/** A file of events, one JSON object a line, from which a simulator comes back as it was. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { Seed } from "../random.ts";
import { eventSchema, type SimulatorEvent } from "./events.ts";

export type Journal = {
  /** The events of earlier lives, oldest first. */
  past: SimulatorEvent[];
  append(event: SimulatorEvent): void;
  clear(): void;
};

/** The file is another seed's, or none of ours. */
export class BadJournal extends Error {
  override readonly name = "BadJournal";
}

const headingSchema = z.strictObject({ journal: z.literal("momo simulator"), seed: z.union([z.string(), z.number()]) });

/**
 * @param path null keeps nothing.
 * @throws BadJournal. A last line cut short by a kill was never acted upon and is dropped.
 */
export function openJournal(path: string | null, seed: Seed): Journal {
  if (path === null) return { past: [], append: () => undefined, clear: () => undefined };
  const clear = (): void =>
    writeFileSync(path, `${JSON.stringify({ journal: "momo simulator", seed })}\n`, { mode: 0o600 });
  mkdirSync(dirname(path), { recursive: true });
  if (!existsSync(path)) clear();
  const stored = readFileSync(path, "utf8");
  const whole = stored.slice(0, stored.lastIndexOf("\n") + 1);
  if (whole.length < stored.length) truncateSync(path, Buffer.byteLength(whole));
  const [heading = "", ...lines] = whole.split("\n").filter((line) => line !== "");
  if (parseLine(headingSchema, heading, path).seed !== seed) throw new BadJournal(`${path} belongs to another seed`);
  return {
    past: lines.map((line) => parseLine(eventSchema, line, path)),
    // Synchronous, so that the order of the file is the order of the events.
    append: (event) => appendFileSync(path, `${JSON.stringify(event)}\n`),
    clear,
  };
}

function parseLine<T>(schema: z.ZodType<T>, line: string, path: string): T {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new BadJournal(`${path} is no journal of the MoMo simulator`, { cause });
  }
}
