/** cannot_connect_now, too_many_connections, and the two ways in which a stopping server says goodbye. */
const PASSING = new Set(["57P01", "57P02", "57P03", "53300", "ECONNRESET"]);

/** Whether an error says that Postgres is on its way up or down, or has no place left: it is worth asking again. */
export function isPostgresStarting(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && PASSING.has(String(cause.code))) return true;
    if (cause.message.startsWith("Connection terminated")) return true;
  }
  return false;
}
