import websocket from "@fastify/websocket";
import Fastify, { LogController, type FastifyBaseLogger, type FastifyInstance } from "fastify";
import type { Pool } from "pg";
import type { Log } from "../db/log.ts";
import { LONGEST_REQUEST } from "./graphql/request_limits.ts";
import { type InboundDependencies, inboundRoutes } from "./inbound.ts";
import { answerErrors } from "./routes/answer_errors.ts";
import { type Demo, demoRoutes } from "./routes/demo.ts";
import { type ReauthenticationDependencies, reauthenticationRoutes } from "./reauthentication/routes.ts";
import { type GraphqlOptions, graphqlRoutes } from "./routes/graphql.ts";
import { healthRoutes } from "./routes/health.ts";
import { type MetricsOptions, metricsRoute } from "./routes/metrics.ts";
import { type PageOptions, pageRoutes } from "./routes/page.ts";
import { guardBrowsers } from "./security_headers.ts";

/**
 * How long a socket that we close may take to answer that. Not ws's 30 seconds: whoever opens sockets only to have them closed
 * would keep a connection of ours for that long each.
 */
const CLOSE_TIMEOUT_MS = 3_000;

export type ServerDependencies = {
  /** Acts as app_authenticator: by itself it may ask for readiness and nothing else. */
  db: Pool;
  log: Log;
  /** What backends and providers call. Left out: off. */
  inbound?: InboundDependencies | undefined;
  /** Where links in notifications lead. Left out: off. */
  reauthentication?: ReauthenticationDependencies | undefined;
  /** What people and their apps call. Left out: off. */
  graphql?: Omit<GraphqlOptions, "db" | "log"> | undefined;
  /** Signs the demo's users in. Left out, which is everywhere else: off. */
  demo?: Demo | undefined;
  /** What Prometheus asks. Left out: off, and nothing is counted. */
  metrics?: MetricsOptions | undefined;
  /** The settings page. Left out: off. */
  page?: PageOptions | undefined;
  /** Web pages of other origins that may call. */
  corsOrigins?: readonly string[] | undefined;
  /** Whose X-Forwarded-For is believed. Left out: nobody's, so that a client is who it connects as. */
  trustedProxies?: readonly string[] | undefined;
};

const START_TIMEOUT_MS = 120_000;

/** The server without a port: tests send requests into it, `npm run server` lets it listen. */
export function createApp(dependencies: ServerDependencies): FastifyInstance {
  const {
    db,
    log,
    inbound,
    reauthentication,
    graphql,
    demo,
    page,
    metrics,
    corsOrigins = [],
    trustedProxies = [],
  } = dependencies;

  const loggerInstance: FastifyBaseLogger = log;
  const app = Fastify({
    loggerInstance,
    // A busy database may take its time to tell its catalogue, of which GraphQL's schema is made.
    pluginTimeout: START_TIMEOUT_MS,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: trustedProxies.length === 0 ? false : [...trustedProxies],
  });
  // Whatever brings no answers to errors of its own: what nobody expected is told to no client.
  answerErrors(app);
  // Before all routes: with any other, and with every refusal, it ends the connection that asked to be a WebSocket. Nothing
  // else would, since no time-out of HTTP holds for it any more.
  app.register(websocket, { options: { maxPayload: LONGEST_REQUEST, closeTimeout: CLOSE_TIMEOUT_MS } });
  guardBrowsers(app, { corsOrigins });
  if (metrics !== undefined) {
    app.addHook("onResponse", async (request, reply) => {
      const route = request.routeOptions.url ?? "unmatched";
      metrics.metrics.served({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime);
    });
    app.register(metricsRoute, metrics);
  }
  app.register(healthRoutes, { db });
  if (inbound !== undefined) app.register(inboundRoutes, inbound);
  if (reauthentication !== undefined) app.register(reauthenticationRoutes, reauthentication);
  if (graphql !== undefined) app.register(graphqlRoutes, { db, log, ...graphql });
  if (demo !== undefined) app.register(demoRoutes, demo);
  if (page !== undefined) app.register(pageRoutes, page);
  return app;
}
