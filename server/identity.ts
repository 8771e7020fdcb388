import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from "jose";
import { z } from "zod";
import type { Environment } from "../db/environment.ts";

/** A signed-in user, for as long as their token lasts. */
export type Identity = {
  /** The token's `sub`, in lower case. */
  userId: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
};

/** The token cannot be accepted. The message says no more than that kind of thing is wrong with it. */
export class TokenRefusedError extends Error {
  override readonly name = "TokenRefusedError";
  readonly statusCode = 401;
}

/** The issuer's keys cannot be read now, so that nothing can be said about the token. */
export class KeysUnavailableError extends Error {
  override readonly name = "KeysUnavailableError";
  readonly statusCode = 503;
}

/**
 * Tells whose token it is; null for a valid one that stands for nobody (Supabase's anonymous key).
 *
 * @throws TokenRefusedError, KeysUnavailableError
 */
export type Verify = (token: string) => Promise<Identity | null>;

export type TokenSettings = Pick<Environment, "JWT_SECRET" | "JWT_JWKS_URL" | "JWT_ISSUER" | "JWT_AUDIENCE">;

/** An issuer's clock may be as many seconds ahead of ours, so that a fresh token is not refused as one of the future. */
const CLOCK_TOLERANCE_SECONDS = 5;

/** `none` is not among them, and a secret is never tried on a token that asks for a public key, nor the other way round. */
const SECRET_ALGORITHMS = ["HS256", "HS384", "HS512"];
const PUBLIC_KEY_ALGORITHMS = "RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519".split(" ");

const claims = z.object({ sub: z.guid(), exp: z.number().positive() });

/**
 * Verifies tokens by the environment's secret, or by its issuer's public keys, or by either. With neither set, every token
 * is refused.
 *
 * @param options.now milliseconds since 1970
 */
export function createVerifier(settings: TokenSettings, { now = Date.now }: { now?: () => number } = {}): Verify {
  const { JWT_SECRET, JWT_JWKS_URL, JWT_ISSUER, JWT_AUDIENCE } = settings;
  const secret = JWT_SECRET === undefined ? null : new TextEncoder().encode(JWT_SECRET);
  const publicKeys = JWT_JWKS_URL === undefined ? null : createRemoteJWKSet(new URL(JWT_JWKS_URL));

  async function payloadOf(token: string): Promise<JWTPayload> {
    const checks = {
      ...(JWT_ISSUER === undefined ? {} : { issuer: JWT_ISSUER }),
      ...(JWT_AUDIENCE === undefined ? {} : { audience: JWT_AUDIENCE }),
      requiredClaims: ["exp"],
      currentDate: new Date(now()),
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    };
    const asksForSecret = algorithmOf(token).startsWith("HS");
    if (asksForSecret && secret !== null) {
      return (await jwtVerify(token, secret, { ...checks, algorithms: SECRET_ALGORITHMS })).payload;
    }
    if (!asksForSecret && publicKeys !== null) {
      return (await jwtVerify(token, publicKeys, { ...checks, algorithms: PUBLIC_KEY_ALGORITHMS })).payload;
    }
    throw new TokenRefusedError("The token is signed in a way that is not accepted here.");
  }

  return async (token) => {
    let payload: JWTPayload;
    try {
      payload = await payloadOf(token);
    } catch (error) {
      if (error instanceof TokenRefusedError) throw error;
      if (error instanceof errors.JWTExpired) throw new TokenRefusedError("The token has expired.", { cause: error });
      if (error instanceof errors.JOSEError && !KEYS_UNREADABLE.has(error.code)) {
        throw new TokenRefusedError("The token is not valid.", { cause: error });
      }
      throw new KeysUnavailableError("Tokens cannot be checked now; try again later.", { cause: error });
    }
    if (payload["role"] === "anon") return null;
    const known = claims.safeParse(payload);
    if (!known.success) throw new TokenRefusedError("The token names no user.");
    const expiresAt = known.data.exp * 1000;
    // Nobody needs tolerance here: it would lengthen each token's life.
    if (expiresAt <= now()) throw new TokenRefusedError("The token has expired.");
    return { userId: known.data.sub.toLowerCase(), expiresAt };
  };
}

/** jose's codes for keys that came late, not at all, or as something else. */
const KEYS_UNREADABLE = new Set([errors.JWKSTimeout.code, errors.JWKSInvalid.code, errors.JOSEError.code]);

/** What the token's own header says, not yet to be believed. Throws TokenRefusedError for what is no token at all. */
function algorithmOf(token: string): string {
  const [head = ""] = token.split(".");
  const said = header.safeParse(Buffer.from(head, "base64url").toString());
  if (!said.success) throw new TokenRefusedError("The token is not valid.");
  return said.data.alg;
}

const header = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      context.addIssue({ code: "custom", message: "is not JSON" });
      return z.NEVER;
    }
  })
  .pipe(z.object({ alg: z.string() }));

/** The token of an Authorization header; null without one. Throws TokenRefusedError for another scheme. */
export function bearerToken(authorization: string | undefined): string | null {
  if (authorization === undefined) return null;
  const [, token] = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization.trim()) ?? [];
  if (token === undefined) throw new TokenRefusedError("The Authorization header must be: Bearer TOKEN.");
  return token;
}
