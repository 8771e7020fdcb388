// oxlint-disable-next-line import/no-unassigned-import -- sets what Graphile reads when it is loaded
import "../graphql/graphile_environment.ts";
import rateLimit from "@fastify/rate-limit";
import websocket from "@fastify/websocket";
import type { FastifyError, FastifyPluginAsync } from "fastify";
import { makeHandler } from "graphql-ws/use/@fastify/websocket";
import type { Pool } from "pg";
import { makeGraphQLWSConfig } from "postgraphile/grafserv";
import { grafserv } from "postgraphile/grafserv/fastify/v5";
import { getOperationAST, GraphQLError, type GraphQLSchema, OperationTypeNode } from "postgraphile/graphql";
import { z } from "zod";
import type { Log } from "../../db/log.ts";
import { makeApiSchema } from "../graphql/make_schema.ts";
import { LONGEST_REQUEST, servingPreset } from "../graphql/serving_preset.ts";
import { bearerToken, type Identity, type Verify } from "../identity.ts";
import type { Linking } from "../linking.ts";
import { LiveEvents } from "../live_events.ts";

export type GraphqlOptions = {
  /** Acts as app_authenticator: each request becomes a visitor for its transaction. */
  db: Pool;
  log: Log;
  verify: Verify;
  linking: Linking;
  introspection: boolean;
  ruru: boolean;
  /** Requests a minute; of a user and of an address that nobody is signed in from. */
  rateLimits?: { user: number; address: number };
};

const RATE_LIMITS = { user: 600, address: 120 };

/** Subscriptions at once over one socket. */
const MOST_SUBSCRIPTIONS = 20;

/** graphql-ws: not now; whoever comes back with a fresh token may be let in. */
const FORBIDDEN = 4403;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Who sent a request, or why that cannot be told. */
type Caller = { identity: Identity | null } | { refusal: Error };

/**
 * `POST /graphql` for queries and mutations, a WebSocket there (graphql-transport-ws) for subscriptions, and `/ruru` in
 * development. Users are known by `Authorization: Bearer TOKEN`; over a socket, by the same word in the payload of
 * connection_init, since browsers send no headers there.
 */
export const graphqlRoutes: FastifyPluginAsync<GraphqlOptions> = async (app, options) => {
  const { db, log, verify, linking, introspection, ruru, rateLimits = RATE_LIMITS } = options;
  const callers = new WeakMap<object, Caller>();
  const sockets = new WeakMap<object, Identity>();
  const live = new LiveEvents({ db, log });
  app.addHook("onClose", () => live.close());

  const identityOf = (request: object | undefined): Identity | null => {
    const caller = request === undefined ? undefined : callers.get(request);
    return caller !== undefined && "identity" in caller ? caller.identity : null;
  };
  const identityOfSocket = (socket: object | undefined): Identity | null =>
    (socket === undefined ? undefined : sockets.get(socket)) ?? null;
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
      identityOf: ({ ws, fastifyv5 }) =>
        ws === undefined ? identityOf(fastifyv5?.request) : identityOfSocket(ws.socket),
    }),
  );
  schema = made.schema;
  const api = grafserv({ schema, preset: made.resolvedPreset });
  app.addHook("onClose", () => api.release());

  // Before the limit, which counts a signed-in user by their id; what is wrong with a token is told after it, so that
  // guessing tokens is limited too.
  app.addHook("onRequest", async (request) => {
    callers.set(request, await callerOf(request.headers.authorization, verify));
  });
  await app.register(rateLimit, {
    timeWindow: "1 minute",
    // Development only, and made of a hundred files.
    allowList: (request) => request.url.startsWith("/ruru"),
    max: (request) => (identityOf(request) === null ? rateLimits.address : rateLimits.user),
    keyGenerator: (request) => {
      const identity = identityOf(request);
      return identity === null ? `address ${request.ip}` : `user ${identity.userId}`;
    },
  });
  app.addHook("preParsing", async (request) => {
    const caller = callers.get(request);
    if (caller !== undefined && "refusal" in caller) throw caller.refusal;
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status >= 500) request.log.error({ err: error }, "a GraphQL request failed");
    if (status === 401) reply.header("www-authenticate", "Bearer");
    const message = status >= 500 && status !== 503 ? "An error occurred." : error.message;
    return reply.code(status).send({ errors: [{ message, extensions: { code: CODES[status] ?? "REQUEST" } }] });
  });

  await api.addTo(app);

  await app.register(websocket, { options: { maxPayload: LONGEST_REQUEST } });
  const config = makeGraphQLWSConfig(api);
  const wsHandler = makeHandler({
    ...config,
    async onConnect({ connectionParams, extra }) {
      const { authorization = extra.request.headers.authorization } = params.parse(connectionParams ?? {});
      const caller = await callerOf(authorization, verify);
      if ("refusal" in caller || caller.identity === null) return false;
      const socket: unknown = extra.socket;
      if (!isSocket(socket)) throw new TypeError("a WebSocket can be closed");
      sockets.set(socket, caller.identity);
      const left = caller.identity.expiresAt - Date.now();
      const expiry = setTimeout(
        () => socket.close(FORBIDDEN, "The token has expired"),
        Math.min(Math.max(left, 0), LONGEST_TIMER_MS),
      );
      socket.once("close", () => clearTimeout(expiry));
      return true;
    },
    async onSubscribe(context, id, payload) {
      if (Object.keys(context.subscriptions).length > MOST_SUBSCRIPTIONS) {
        return [new GraphQLError("There are too many subscriptions on this connection.")];
      }
      const prepared = await config.onSubscribe?.(context, id, payload);
      if (prepared === undefined || Array.isArray(prepared) || !("document" in prepared)) return prepared;
      // Limits of requests hold for POST; a socket may not be a way around them.
      const operation = getOperationAST(prepared.document, prepared.operationName);
      if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return prepared;
      return [new GraphQLError("Queries and mutations are sent by POST.")];
    },
  });
  app.route({
    method: "GET",
    url: "/graphql",
    wsHandler,
    handler: (_request, reply) =>
      reply
        .code(405)
        .header("allow", "POST")
        .send({ errors: [{ message: "Send queries by POST; subscriptions take a WebSocket." }] }),
  });
};

/** What is used of `ws`, which brings no types of its own. */
type Socket = { close(code: number, reason: string): void; once(event: "close", listener: () => void): void };

const isSocket = (value: unknown): value is Socket =>
  typeof value === "object" && value !== null && "close" in value && "once" in value;

const CODES: Record<number, string> = {
  401: "UNAUTHENTICATED",
  413: "COST",
  429: "RATE_LIMITED",
  500: "INTERNAL",
  503: "UNAVAILABLE",
};

const params = z.object({ authorization: z.string().optional() });

async function callerOf(authorization: string | undefined, verify: Verify): Promise<Caller> {
  try {
    const token = bearerToken(authorization);
    return { identity: token === null ? null : await verify(token) };
  } catch (error) {
    if (error instanceof Error) return { refusal: error };
    throw error;
  }
}
