// oxlint-disable-next-line import/no-unassigned-import -- sets what Graphile reads when it is loaded
import "../graphql/graphile_environment.ts";
import rateLimit from "@fastify/rate-limit";
import type { FastifyError, FastifyPluginAsync, FastifyRequest } from "fastify";
import type { Pool } from "pg";
import { grafserv } from "postgraphile/grafserv/fastify/v5";
import type { GraphQLSchema } from "postgraphile/graphql";
import type { Log } from "../../db/log.ts";
import { makeApiSchema } from "../graphql/make_schema.ts";
import { RateLimitedError, type RateLimits, requestLimits } from "../graphql/request_limits.ts";
import { servingPreset } from "../graphql/serving_preset.ts";
import { bearerToken, type Identity, type Verify } from "../identity.ts";
import type { Linking } from "../linking.ts";
import { LiveEvents } from "../live_events.ts";
import { subscriptionSockets } from "./subscription_sockets.ts";

export type GraphqlOptions = {
  /** Acts as app_authenticator: each request becomes a visitor for its transaction. */
  db: Pool;
  log: Log;
  verify: Verify;
  linking: Linking;
  introspection: boolean;
  ruru: boolean;
  rateLimits?: Partial<RateLimits>;
};

/** Who sent a request, or why that cannot be told. */
type Caller = { identity: Identity | null } | { refusal: Error };

/**
 * `POST /graphql` for queries and mutations, a WebSocket there for subscriptions, and `/ruru` in development. Users are
 * known by `Authorization: Bearer TOKEN`.
 */
export const graphqlRoutes: FastifyPluginAsync<GraphqlOptions> = async (app, options) => {
  const { db, log, verify, linking, introspection, ruru, rateLimits } = options;
  const callers = new WeakMap<object, Caller>();
  const live = new LiveEvents({ db, log });
  app.addHook("onClose", () => live.close());

  const identityOf = (request: object | undefined): Identity | null => {
    const caller = request === undefined ? undefined : callers.get(request);
    return caller !== undefined && "identity" in caller ? caller.identity : null;
  };
  let schema: GraphQLSchema | undefined;
  const made = await makeApiSchema(
    db,
    servingPreset({
      log,
      live,
      linking,
      introspection,
      ruru,
      schema: () => schema,
      // A socket belongs to the request that opened it.
      identityOf: ({ ws, fastifyv5 }) => identityOf(ws === undefined ? fastifyv5?.request : ws.request),
    }),
  );
  schema = made.schema;
  const api = grafserv({ schema, preset: made.resolvedPreset });
  app.addHook("onClose", () => api.release());

  await app.register(rateLimit, { global: false });
  const limits = requestLimits(app, identityOf, rateLimits);
  const identify = async (request: FastifyRequest, authorization: string | undefined): Promise<Caller> => {
    const caller = await callerOf(authorization, verify);
    callers.set(request, caller);
    return caller;
  };
  app.addHook("onRequest", async (request) => {
    // Development only, and made of a hundred files.
    if (request.url.startsWith("/ruru")) return;
    const caller = await identify(request, request.headers.authorization);
    if (identityOf(request) !== null) await limits.ofUser(request);
    // A browser can send no token with it: that comes later, in connection_init.
    else if (request.ws && !("refusal" in caller)) await limits.ofSocket(request);
    else await limits.ofAddress(request);
    // After it was counted: guessing tokens is limited, too.
    if ("refusal" in caller) throw caller.refusal;
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, "a GraphQL request failed");
    if (status === 401) reply.header("www-authenticate", "Bearer");
    if (error instanceof RateLimitedError) reply.header("retry-after", error.retryAfterSeconds);
    const message = status >= 500 && status !== 503 ? "An error occurred." : error.message;
    return reply.code(status).send({ errors: [{ message, extensions: { code: CODES[status] ?? "REQUEST" } }] });
  });

  await api.addTo(app);
  await app.register(subscriptionSockets, {
    api,
    limits,
    async signIn(request, authorization) {
      const caller = await identify(request, authorization);
      return "identity" in caller ? caller.identity : null;
    },
  });
};

const CODES: Record<number, string> = {
  401: "UNAUTHENTICATED",
  413: "COST",
  429: "RATE_LIMITED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
};

async function callerOf(authorization: string | undefined, verify: Verify): Promise<Caller> {
  try {
    const token = bearerToken(authorization);
    return { identity: token === null ? null : await verify(token) };
  } catch (error) {
    if (error instanceof Error) return { refusal: error };
    throw error;
  }
}
