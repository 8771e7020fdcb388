import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Pool } from "pg";
import type { Log } from "../db/log.ts";
import { type InboundDependencies, inboundRoutes } from "./inbound.ts";
import { healthRoutes } from "./routes/health.ts";

export type ServerDependencies = {
  /** Acts as app_authenticator: by itself it may ask for readiness and nothing else. */
  db: Pool;
  log: Log;
  /** What backends and providers call. Left out: off. */
  inbound?: InboundDependencies | undefined;
};

/** The server without a port: tests send requests into it, `npm run server` lets it listen. */
export function createApp({ db, log, inbound }: ServerDependencies): FastifyInstance {
  const loggerInstance: FastifyBaseLogger = log;
  const app = Fastify({ loggerInstance, logController: new LogController({ disableRequestLogging: true }) });
  app.register(healthRoutes, { db });
  if (inbound !== undefined) app.register(inboundRoutes, inbound);
  return app;
}
