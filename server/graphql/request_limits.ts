import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Identity } from "../identity.ts";

/** Bytes of a request, and of a message over a socket. */
export const LONGEST_REQUEST = 64 * 1024;

/** A minute. An address is one of IPv4 or a /64 of IPv6, which is what one household or machine has. */
export type RateLimits = {
  /** Requests and new subscriptions of a user, wherever they come from. */
  user: number;
  /** Requests from an address without a user, and tokens from there that were refused. */
  address: number;
  /** WebSockets from an address: whose they are is told only later, and behind one address may be many people. */
  sockets: number;
};

const RATE_LIMITS: RateLimits = { user: 600, address: 120, sockets: 1200 };
const MINUTE_MS = 60_000;

/** Too many requests. */
export class RateLimitedError extends Error {
  override readonly name = "RateLimitedError";
  readonly statusCode = 429;
  readonly retryAfterSeconds: number;

  constructor(retryAfterSeconds: number) {
    super(`Too many requests; come back in ${retryAfterSeconds} second${retryAfterSeconds === 1 ? "" : "s"}.`);
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

/** Counts, and throws RateLimitedError for one too many. */
export type RequestLimits = {
  ofUser(request: FastifyRequest): Promise<void>;
  ofAddress(request: FastifyRequest): Promise<void>;
  ofSocket(request: FastifyRequest): Promise<void>;
};

/**
 * @param app has registered @fastify/rate-limit
 * @param identityOf whose request it is, as far as is known
 */
export function requestLimits(
  app: FastifyInstance,
  identityOf: (request: FastifyRequest) => Identity | null,
  limits: Partial<RateLimits> = {},
): RequestLimits {
  const { user, address, sockets } = { ...RATE_LIMITS, ...limits };
  const common = { timeWindow: MINUTE_MS };
  const users = app.createRateLimit({ ...common, max: user, keyGenerator: (of) => identityOf(of)?.userId ?? "" });
  // By themselves they count IPv6 by its /64.
  const addresses = app.createRateLimit({ ...common, max: address });
  const handshakes = app.createRateLimit({ ...common, max: sockets });
  return {
    ofUser: async (request) => refuseIfExceeded(await users(request)),
    ofAddress: async (request) => refuseIfExceeded(await addresses(request)),
    async ofSocket(request) {
      refuseIfExceeded(await handshakes(request));
      // Whoever guesses tokens over sockets has used up what they may guess.
      refuseIfExceeded(await addresses(request, { increment: false }));
    },
  };
}

type Limited = { isAllowed: true } | { isAllowed: false; isExceeded: boolean; ttlInSeconds: number };

function refuseIfExceeded(limited: Limited): void {
  if (!limited.isAllowed && limited.isExceeded) throw new RateLimitedError(limited.ttlInSeconds);
}
