import { setTimeout as pause } from "node:timers/promises";

const PATIENCE_MS = 60_000;

/** Classes 08 (connection), 57 (shut down, crashed, starting up) and 53 (out of something). */
const PASSING = /^(?:08|57|53)/;
const PASSING_CODES = new Set(["ECONNREFUSED", "ECONNRESET", "EPIPE"]);

/** Does it again for as long as Postgres is away: the soak itself crashes it. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!isPassing(error) || performance.now() > until) throw error;
      await pause(50);
    }
  }
}

function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = "code" in error ? String(error.code) : "";
  // pg's own words for a connection that ended have no code.
  return (
    PASSING.test(code) ||
    PASSING_CODES.has(code) ||
    /^(?:Connection terminated|Client has encountered)/.test(error.message)
  );
}
