import { styleText } from "node:util";
import type { DestinationStream } from "pino";
import { z } from "zod";

/** Enough of a log line to show it. */
const line = z.looseObject({ level: z.string(), time: z.string(), msg: z.string().optional() });

const error = z.object({ name: z.string(), message: z.string(), code: z.union([z.string(), z.number()]).optional() });

/** Fields that a person at a terminal has no use for. */
const HIDDEN = new Set(["level", "time", "msg", "pid", "process", "err", "worker_id"]);

const COLOURS = { fatal: "red", error: "red", warn: "yellow", info: "green", debug: "gray", trace: "gray" } as const;

const isLevel = (level: string): level is keyof typeof COLOURS => Object.hasOwn(COLOURS, level);

/** Takes JSON lines and writes each as one line for people: time, level, message, fields, error. */
export const prettyDestination = (output: { write(text: string): unknown }): DestinationStream => ({
  write: (json) => {
    output.write(`${formatForPeople(json)}\n`);
  },
});

/** One JSON line as a person would like it. A line of another shape is shown as it is. */
export const formatForPeople = (json: string): string => {
  const parsed = line.safeParse(parseJson(json));
  if (!parsed.success) return json.trimEnd();
  const { level, time, msg, ...fields } = parsed.data;
  const shown = Object.entries(fields)
    .filter(([name]) => !HIDDEN.has(name))
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : JSON.stringify(value)}`);
  const label = level.padEnd(5);
  return [
    time.slice(11, 19),
    isLevel(level) ? styleText(COLOURS[level], label) : label,
    msg,
    shown.length > 0 ? styleText("gray", shown.join(" ")) : undefined,
    errorForPeople(fields["err"], msg),
  ]
    .filter((part) => part !== undefined && part !== "")
    .join(" ");
};

const errorForPeople = (err: unknown, msg: string | undefined): string | undefined => {
  const parsed = error.safeParse(err);
  if (!parsed.success) return undefined;
  const { name, code, message } = parsed.data;
  const kind = code === undefined ? name : `${name} ${code}`;
  return `(${msg?.includes(message) === true ? kind : `${kind}: ${message}`})`;
};

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch (cause) {
    if (cause instanceof SyntaxError) return undefined;
    throw cause;
  }
};
