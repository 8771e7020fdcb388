/** A file of events, one JSON object a line, from which a simulator comes back as it was. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { eventSchema, type SimulatorEvent } from "./events.ts";

export type Journal = {
  /** The events of earlier lives, oldest first. */
  past: SimulatorEvent[];
  append(event: SimulatorEvent): void;
  clear(): void;
};

/**
 * @param path null keeps nothing.
 * @throws ZodError or SyntaxError for a line that is no event. A last line cut short by a kill was never acted upon
 *   and is dropped.
 */
export function openJournal(path: string | null): Journal {
  if (path === null) return { past: [], append: () => undefined, clear: () => undefined };
  mkdirSync(dirname(path), { recursive: true });
  const stored = existsSync(path) ? readFileSync(path, "utf8") : "";
  const whole = stored.slice(0, stored.lastIndexOf("\n") + 1);
  if (whole.length < stored.length) truncateSync(path, Buffer.byteLength(whole));
  return {
    past: whole
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => eventSchema.parse(JSON.parse(line))),
    // Synchronous, so that the order of the file is the order of the events.
    append: (event) => appendFileSync(path, `${JSON.stringify(event)}\n`),
    clear: () => writeFileSync(path, ""),
  };
}
