import type { AddressInfo } from "node:net";
import type { Environment } from "../db/environment.ts";
import type { Log } from "../db/log.ts";
import { pgPool } from "../db/pool.ts";
import { parseServiceTokens } from "../db/service_tokens.ts";
import { Metrics } from "../tasks/@metrics/metrics.ts";
import { createApp } from "./app.ts";
import { USER_CONNECTIONS } from "./connections.ts";
import { createVerifier } from "./identity.ts";
import { Linking } from "./linking.ts";
import { type Inbound, openInbound } from "./open_inbound.ts";
import type { Demo } from "./routes/demo.ts";
import { buildPage } from "./web/build_page.ts";

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
  /** Only where the database is our own throw-away one. */
  demo?: Demo | undefined;
  /** What a worker in this process counts as well; the server's own without it. */
  metrics?: Metrics;
}): Promise<RunningServer> {
  const { environment, log, host = "0.0.0.0", demo } = options;
  const db = pgPool({
    databaseUrl: environment.DATABASE_URL,
    role: "app_authenticator",
    max: USER_CONNECTIONS,
    name: "tidemark server",
  });
  const { folder } = await buildPage();
  const inbound = await inboundOf(environment, log);
  const metrics = options.metrics ?? new Metrics();
  metrics.readFrom(db, log);
  const linking = new Linking(inbound === undefined ? null : { ...inbound, publicUrl: environment.PUBLIC_URL });
  const isDevelopment = environment.NODE_ENV === "development" || demo !== undefined;
  const app = createApp({
    db,
    log,
    inbound,
    reauthentication:
      inbound === undefined
        ? undefined
        : { db: inbound.db, keyring: inbound.keyring, linking, publicUrl: environment.PUBLIC_URL },
    graphql: {
      verify: createVerifier(demo === undefined ? environment : { ...environment, JWT_SECRET: demo.secret }),
      linking,
      introspection: (environment.GRAPHQL_INTROSPECTION ?? (isDevelopment ? "1" : "0")) === "1",
      ruru: isDevelopment,
    },
    demo,
    // The demo listens on this machine only, and its money is simulated.
    metrics: { metrics, readers: demo === undefined ? metricsReaders(environment) : "anyone" },
    page: {
      folder,
      demoUsers: demo?.users.map(({ name }) => name) ?? [],
      signInUrl: environment.SIGN_IN_URL,
      vapidPublicKey: environment.VAPID_PUBLIC_KEY,
    },
    corsOrigins: environment.CORS_ORIGINS,
    trustedProxies: environment.TRUSTED_PROXIES,
  });
  app.addHook("onClose", async () => {
    await inbound?.close();
    await db.end();
  });
  try {
    await app.listen({ port: environment.PORT, host });
  } catch (error) {
    await app.close();
    throw error;
  }
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

const metricsReaders = ({ TIDEMARK_METRICS_TOKENS: text }: Environment) =>
  text === undefined ? [] : parseServiceTokens(text);

function addressOf(address: string | AddressInfo | null): AddressInfo {
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address;
}
