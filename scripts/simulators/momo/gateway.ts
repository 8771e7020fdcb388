/** What a request must bring before any product looks at it: subscription key, bearer token, target environment. */
import { empty, header, json, type Reply, type SimulatorRequest } from "../http.ts";
import { agentForbidden, badRequest, momoError, operationNotFound, requestRejected } from "./errors.ts";
import { subscriptionKeyInvalid, subscriptionKeyMissing } from "./errors.ts";
import type { Wallet } from "./state.ts";
import { walletOfToken } from "./token.ts";
import type { Platform, World } from "./world.ts";

/** Refusals of the machines in front of MTN's own, or null. */
export function refuseAtGateway(world: World, platform: Platform, request: SimulatorRequest): Reply | null {
  if (platform.newPlatform && (header(request, "user-agent") ?? "").includes("python-requests"))
    return agentForbidden();
  if (/<script/i.test(`${request.path}?${request.query.toString()}${request.rawBody}`)) return requestRejected();
  if (request.route === "unmatched") return operationNotFound();
  const key = subscriptionKeyOf(request);
  if (key === undefined) return subscriptionKeyMissing();
  return isKnownSubscription(world, key) ? null : subscriptionKeyInvalid();
}

/** In a header or in the query (MTN docs). */
export function subscriptionKeyOf(request: SimulatorRequest): string | undefined {
  return header(request, "ocp-apim-subscription-key") ?? request.query.get("subscription-key") ?? undefined;
}

function isKnownSubscription(world: World, key: string): boolean {
  if (world.subscriptionKeys.includes(key)) return true;
  return world.state.wallets.values().some((wallet) => wallet.subscriptionKeys.includes(key));
}

/** The wallet in whose name a product call is made, or its refusal. */
export function authorize(
  world: World,
  platform: Platform,
  request: SimulatorRequest,
): { wallet: Wallet } | { refusal: Reply } {
  const token = /^Bearer (\S+)$/.exec(header(request, "authorization") ?? "")?.[1];
  const wallet = token === undefined ? null : walletOfToken(world, platform, token);
  if (wallet === null) return { refusal: unauthorized(world) };
  // An API user belongs to the product that its subscription is for (measured by third parties).
  if (!wallet.subscriptionKeys.includes(subscriptionKeyOf(request) ?? "")) {
    return { refusal: momoError("NOT_ALLOWED_TARGET_ENVIRONMENT") };
  }
  const environment = header(request, "x-target-environment");
  if (environment === undefined) return { refusal: badRequest() };
  if (environment !== wallet.environment) return { refusal: momoError("NOT_ALLOWED_TARGET_ENVIRONMENT") };
  return { wallet };
}

function unauthorized(world: World): Reply {
  return world.state.settings.unauthorizedBody === "empty" ? empty(401) : json(401, { error: "invalid_token" });
}

export function isUuid4(text: string | undefined): text is string {
  return text !== undefined && /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i.test(text);
}
