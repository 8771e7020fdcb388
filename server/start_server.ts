import type { AddressInfo } from "node:net";
import type { Environment } from "../db/environment.ts";
import type { Log } from "../db/log.ts";
import { pgPool } from "../db/pool.ts";
import { createApp } from "./app.ts";
import { type Inbound, openInbound } from "./open_inbound.ts";

export type RunningServer = { url: string; close(): Promise<void> };

/**
 * Opens the pool and the port. Listens on every address, as a container needs it, unless told otherwise.
 *
 * @throws Error with code EADDRINUSE where the port is taken
 */
export async function startServer(options: {
  environment: Environment & { DATABASE_URL: string };
  log: Log;
  host?: string;
}): Promise<RunningServer> {
  const { environment, log, host = "0.0.0.0" } = options;
  const db = pgPool({
    databaseUrl: environment.DATABASE_URL,
    role: "app_authenticator",
    max: 10,
    name: "tidemark server",
  });
  const inbound = await inboundOf(environment, log);
  const app = createApp({ db, log, inbound });
  app.addHook("onClose", async () => {
    await inbound?.close();
    await db.end();
  });
  await app.listen({ port: environment.PORT, host });
  const { port } = addressOf(app.server.address());
  return { url: `http://localhost:${port}`, close: () => app.close() };
}

/** Without an encryption key nothing could be sealed, and no webhook hashed. */
async function inboundOf(environment: Environment & { DATABASE_URL: string }, log: Log): Promise<Inbound | undefined> {
  const { TIDEMARK_ENCRYPTION_KEYS } = environment;
  if (TIDEMARK_ENCRYPTION_KEYS !== undefined) return openInbound({ ...environment, TIDEMARK_ENCRYPTION_KEYS });
  log.warn("internal endpoints and webhooks are off: TIDEMARK_ENCRYPTION_KEYS is not set");
  return undefined;
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address;
}
