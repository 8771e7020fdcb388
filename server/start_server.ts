import type { AddressInfo } from "node:net";
import type { Environment } from "../db/environment.ts";
import type { Log } from "../db/log.ts";
import { pgPool } from "../db/pool.ts";
import { createApp } from "./app.ts";

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
  const app = createApp({ db, log });
  app.addHook("onClose", () => db.end());
  await app.listen({ port: environment.PORT, host });
  const { port } = addressOf(app.server.address());
  return { url: `http://localhost:${port}`, close: () => app.close() };
}

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address;
}
