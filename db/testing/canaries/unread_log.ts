import { createLog, type Log, type LogOptions } from "../../log.ts";

/** The log of what is tested, when the test does not read it. A silent one would write no line, and none could be searched. */
export function unreadLog(level: LogOptions["level"] = "trace"): Log {
  return createLog({ level, destination: { write: () => undefined } });
}
