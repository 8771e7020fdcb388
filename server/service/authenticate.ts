import type { FastifyInstance } from "fastify";
import { holderOf, type ServiceToken } from "../../db/service_tokens.ts";
import { ProblemError } from "../routes/problem.ts";

declare module "fastify" {
  interface FastifyRequest {
    /** The service account that asks; "" before it was recognised, and on every route that is not internal. */
    serviceAccount: string;
  }
}

/** Requests a minute. */
export type ServiceLimits = {
  /** Of one service account. */
  requests: number;
  /** With a wrong token or none, from one address. */
  refusals: number;
};

const MINUTE_MS = 60_000;

/**
 * Every route of this context is for service accounts only: `Authorization: Bearer …`. Without a configured token nobody
 * gets in. The body of a request is not even read before its token was recognised.
 */
export function authenticateServices(
  app: FastifyInstance,
  { tokens, limits }: { tokens: readonly ServiceToken[]; limits: ServiceLimits },
): void {
  app.decorateRequest("serviceAccount", "");
  const refused = app.createRateLimit({ max: limits.refusals, timeWindow: MINUTE_MS });
  const asked = app.createRateLimit({
    max: limits.requests,
    timeWindow: MINUTE_MS,
    keyGenerator: (request) => request.serviceAccount,
  });

  app.addHook("onRequest", async (request) => {
    const account = holderOf(tokens, request.headers.authorization);
    if (account === null) {
      refuseIfExceeded(await refused(request));
      throw new ProblemError(
        401,
        { detail: "This endpoint is for service accounts: send Authorization: Bearer with a valid token." },
        { headers: { "www-authenticate": 'Bearer realm="tidemark"' } },
      );
    }
    request.serviceAccount = account;
    refuseIfExceeded(await asked(request));
  });
}

type Limited = { isAllowed: true } | { isAllowed: false; isExceeded: boolean; ttlInSeconds: number };

/** Throws a 429 that says when to come back. */
export function refuseIfExceeded(limited: Limited): void {
  if (limited.isAllowed || !limited.isExceeded) return;
  throw new ProblemError(
    429,
    { detail: "Too many requests; Retry-After says when to come back." },
    { headers: { "retry-after": String(limited.ttlInSeconds) } },
  );
}
