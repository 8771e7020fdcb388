import { EventEmitter } from "node:events";
import type { FastifyPluginAsync, FastifyRequest } from "fastify";
import { makeHandler } from "graphql-ws/use/@fastify/websocket";
import { type GrafservBase, makeGraphQLWSConfig } from "postgraphile/grafserv";
import { SafeError } from "postgraphile/grafast";
import { getOperationAST, GraphQLError, OperationTypeNode } from "postgraphile/graphql";
import { z } from "zod";
import { RateLimitedError, type RequestLimits } from "../graphql/request_limits.ts";
import type { Identity } from "../identity.ts";

/** Sockets at once of one user: their devices, and some tabs on each. */
const MOST_SOCKETS = 20;
/** Subscriptions at once over one socket. */
const MOST_SUBSCRIPTIONS = 20;

/** graphql-ws: not now; whoever comes back with a fresh token may be let in. */
const FORBIDDEN = 4403;
/** RFC 6455's registry: try again later. Clients do, after a pause. */
const TRY_AGAIN_LATER = 1013;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export type SubscriptionSocketsOptions = {
  api: GrafservBase;
  limits: RequestLimits;
  /** Whose token it is; null for nobody's, or one that is refused. From then on the request is theirs. */
  signIn: (request: FastifyRequest, authorization: string | undefined) => Promise<Identity | null>;
};

/**
 * Subscriptions: a WebSocket at `/graphql` (graphql-transport-ws), whose user is known by `authorization: "Bearer TOKEN"` in
 * the payload of connection_init, since browsers send no headers there.
 */
export const subscriptionSockets: FastifyPluginAsync<SubscriptionSocketsOptions> = (app, options) => {
  const { api, limits, signIn } = options;
  const open = new Map<string, number>();
  const config = makeGraphQLWSConfig(api);
  const handle = makeHandler({
    ...config,
    // What went wrong is not for the reason that a socket is closed with.
    isProd: true,
    async onConnect({ connectionParams, extra }) {
      const { request } = extra;
      const socket: unknown = extra.socket;
      if (!isSocket(socket)) throw new TypeError("a WebSocket can be closed");
      const params = given.safeParse(connectionParams ?? {});
      const authorization = params.success ? (params.data.authorization ?? request.headers.authorization) : "";
      const identity = await signIn(request, authorization);
      if (identity === null) {
        await counted(limits.ofAddress(request));
        return false;
      }
      if ((await counted(limits.ofUser(request))) !== null || (open.get(identity.userId) ?? 0) >= MOST_SOCKETS) {
        socket.close(TRY_AGAIN_LATER, "Too many connections");
        return false;
      }
      // Gone while its token was looked at: nothing would end what is held for it.
      if (socket.readyState !== OPEN) return false;
      hold(socket, identity);
      return true;
    },
    async onSubscribe(context, id, payload) {
      if (Object.keys(context.subscriptions).length > MOST_SUBSCRIPTIONS) {
        return [refusal("There are too many subscriptions on this connection.", "COST")];
      }
      const limited = await counted(limits.ofUser(context.extra.request));
      if (limited !== null) return [refusal(limited.message, "RATE_LIMITED")];
      const prepared = await config.onSubscribe?.(context, id, payload);
      if (prepared === undefined || Array.isArray(prepared) || !("document" in prepared)) return prepared;
      // A query over a socket would be one of which no limit knows.
      const operation = getOperationAST(prepared.document, prepared.operationName);
      if (operation?.operation === OperationTypeNode.SUBSCRIPTION) return prepared;
      return [refusal("Queries and mutations are sent by POST.", "INVALID")];
    },
  });
  app.route({
    method: "GET",
    url: "/graphql",
    wsHandler(socket, request) {
      const handled = handle.call(this, socket, request);
      const emitter: unknown = socket;
      if (emitter instanceof EventEmitter) {
        // A message that is too large, say, is a client's mistake: graphql-ws would put it on the terminal.
        emitter.removeAllListeners("error");
        emitter.on("error", (error) => request.log.debug({ err: error }, "a WebSocket failed"));
      }
      return handled;
    },
    handler: (_request, reply) =>
      reply
        .code(405)
        .header("allow", "POST")
        .send({ errors: [{ message: "Send queries by POST; subscriptions take a WebSocket." }] }),
  });
  return Promise.resolve();

  /** Until it is closed, which it is when the token ends. */
  function hold(socket: Socket, { userId, expiresAt }: Identity): void {
    open.set(userId, (open.get(userId) ?? 0) + 1);
    const left = Math.min(Math.max(expiresAt - Date.now(), 0), LONGEST_TIMER_MS);
    const expiry = setTimeout(() => socket.close(FORBIDDEN, "The token has expired"), left);
    socket.once("close", () => {
      clearTimeout(expiry);
      const others = (open.get(userId) ?? 1) - 1;
      if (others === 0) open.delete(userId);
      else open.set(userId, others);
    });
  }
};

const refusal = (message: string, code: string): GraphQLError =>
  new GraphQLError(message, { originalError: new SafeError(message, { code }) });

/** Null where it is within the limit. */
async function counted(limit: Promise<void>): Promise<RateLimitedError | null> {
  try {
    await limit;
    return null;
  } catch (error) {
    if (error instanceof RateLimitedError) return error;
    throw error;
  }
}

/** What is used of `ws`, which brings no types of its own. */
type Socket = {
  readyState: unknown;
  close(code: number, reason: string): void;
  once(event: "close", listener: () => void): void;
};
const OPEN = 1;

const isSocket = (value: unknown): value is Socket =>
  typeof value === "object" && value !== null && "close" in value && "once" in value && "readyState" in value;

const given = z.object({ authorization: z.string().optional() });
