/** `POST /collection/token/`: an hour of access for an API user and its key (MTN docs). */
import { z } from "zod";
import { header, json, type Reply, type SimulatorRequest } from "../http.ts";
import { uuidFor } from "../random.ts";
import { badRequest, momoError, operationNotFound } from "./errors.ts";
import { sign } from "./signature.ts";
import type { Wallet } from "./state.ts";
import type { Platform, World } from "./world.ts";

export const TOKEN_LIFETIME_S = 3600;

/** What the JWT's payload holds, as seen by clients. */
const payloadSchema = z.object({ clientId: z.string(), expires: z.iso.datetime(), sessionId: z.string() });

export function handleToken(world: World, platform: Platform, request: SimulatorRequest): Reply {
  // Without its trailing slash the operation is another one, which does not exist.
  if (!request.path.endsWith("/")) return operationNotFound();
  if (platform.newPlatform && header(request, "x-target-environment") === undefined) {
    return json(400, { error: "Invalid or missing X-Target-Environment header" });
  }
  if (request.rawBody !== "") return badRequest();
  const credentials = basicCredentials(header(request, "authorization"));
  // Which of the two 401 shapes MTN sends when is not documented: here an unknown client, or a known one's wrong key.
  if (credentials === null) return json(401, { error: "invalid_client" });
  if (platform.newPlatform && `${credentials.user}${credentials.key}`.includes("%")) {
    return momoError("INTERNAL_PROCESSING_ERROR");
  }
  const wallet = world.state.wallets.get(credentials.user);
  if (wallet === undefined || wallet.revoked || !wallet.platforms.includes(platform.name)) {
    return json(401, { error: "invalid_client" });
  }
  if (!wallet.apiKeys.includes(credentials.key)) return json(401, { error: "login_failed" });
  if (platform.newPlatform && header(request, "x-target-environment") !== wallet.environment) {
    return json(400, { error: "Invalid or missing X-Target-Environment header" });
  }
  return {
    ...json(200, {
      access_token: mintToken(world, platform, wallet),
      token_type: "access_token",
      expires_in: TOKEN_LIFETIME_S,
    }),
    delayMs: world.state.settings.tokenDelayMs,
  };
}

/** The wallet that a bearer token belongs to on this platform, or null when it is forged, expired or ended. */
export function walletOfToken(world: World, platform: Platform, token: string): Wallet | null {
  const [head = "", body = "", signature = ""] = token.split(".");
  if (signature !== sign(world.seed, platform.name, `${head}.${body}`)) return null;
  const payload = payloadSchema.parse(JSON.parse(Buffer.from(body, "base64url").toString("utf8")));
  const wallet = world.state.wallets.get(payload.clientId);
  const expires = Date.parse(payload.expires);
  if (wallet === undefined || wallet.revoked || !wallet.platforms.includes(platform.name)) return null;
  if (expires <= world.clock.now() || payload.sessionId !== sessionOf(world, wallet, expires)) return null;
  return wallet;
}

function mintToken(world: World, platform: Platform, wallet: Wallet): string {
  const expires = world.clock.now() + TOKEN_LIFETIME_S * 1000;
  const head = encode({ typ: "JWT", alg: "HS256" });
  const payload: z.infer<typeof payloadSchema> = {
    clientId: wallet.apiUser,
    expires: new Date(expires).toISOString(),
    sessionId: sessionOf(world, wallet, expires),
  };
  const body = encode(payload);
  return `${head}.${body}.${sign(world.seed, platform.name, `${head}.${body}`)}`;
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Names the wallet's token generation, so that ending a generation ends its tokens. */
function sessionOf(world: World, wallet: Wallet, expires: number): string {
  return uuidFor(world.seed, "session", wallet.apiUser, wallet.tokenGeneration, expires);
}

function basicCredentials(authorization: string | undefined): { user: string; key: string } | null {
  const encoded = /^Basic ([A-Za-z0-9+/]+=*)$/.exec(authorization ?? "")?.[1];
  if (encoded === undefined) return null;
  const [, user, key] = /^([^:]+):(.*)$/s.exec(Buffer.from(encoded, "base64").toString("utf8")) ?? [];
  return user === undefined || key === undefined ? null : { user, key };
}
