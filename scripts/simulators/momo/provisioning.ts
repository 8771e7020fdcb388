/** The sandbox's own Partner Portal: making API users and keys with nothing but a subscription key (MTN docs). */
import { z } from "zod";
import { empty, header, json, type Reply, type SimulatorRequest } from "../http.ts";
import { randomFor, secretFor } from "../random.ts";
import { badRequest, momoError } from "./errors.ts";
import { isUuid4 } from "./gateway.ts";
import type { Wallet } from "./state.ts";
import type { Platform, World } from "./world.ts";

/** What a freshly made sandbox user holds. Not documented. */
const SANDBOX_BALANCE = "1000";

const userBodySchema = z.object({
  /** A host, not a URL. */
  providerCallbackHost: z.string().regex(/^[A-Za-z0-9.-]+$/),
});

export function createApiUser(
  world: World,
  platform: Platform,
  subscriptionKey: string,
  request: SimulatorRequest,
): Reply {
  const reference = header(request, "x-reference-id");
  if (!isUuid4(reference)) return badRequest();
  if (world.state.wallets.has(reference)) return momoError("RESOURCE_ALREADY_EXIST");
  const body = userBodySchema.safeParse(request.body);
  if (!body.success) return badRequest();
  world.record({
    kind: "wallet_created",
    at: world.clock.now(),
    apiUser: reference,
    subscriptionKeys: world.subscriptionKeys.includes(subscriptionKey) ? world.subscriptionKeys : [subscriptionKey],
    environment: "sandbox",
    currency: "EUR",
    callbackHost: body.data.providerCallbackHost,
    platforms: [platform.name],
    balance: SANDBOX_BALANCE,
    msisdn: `46${randomFor(world.seed, "msisdn", reference).int(100_000_000, 399_999_999)}`,
    holderName: "Sand Box",
    history: null,
  });
  return empty(201);
}

export function createApiKey(world: World, platform: Platform, request: SimulatorRequest): Reply {
  const wallet = provisioned(world, platform, request);
  if (wallet === null) return momoError("RESOURCE_NOT_FOUND");
  return json(201, { apiKey: makeApiKey(world, wallet, world.state.settings.oldKeyDies) });
}

export function readApiUser(world: World, platform: Platform, request: SimulatorRequest): Reply {
  const wallet = provisioned(world, platform, request);
  if (wallet === null) return momoError("RESOURCE_NOT_FOUND");
  return json(200, { providerCallbackHost: wallet.callbackHost ?? "", targetEnvironment: wallet.environment });
}

/** A new key of 32 hex digits, the n-th of its wallet being the same in every life of a seed. */
export function makeApiKey(world: World, wallet: Wallet, replaces: boolean): string {
  const { apiUser } = wallet;
  const apiKey = secretFor(world.seed, "api key", apiUser, wallet.keysMade + 1);
  world.record({ kind: "key_made", at: world.clock.now(), apiUser, apiKey, replaces });
  return apiKey;
}

function provisioned(world: World, platform: Platform, request: SimulatorRequest): Wallet | null {
  const wallet = world.state.wallets.get(request.params["id"] ?? "");
  return wallet === undefined || wallet.revoked || !wallet.platforms.includes(platform.name) ? null : wallet;
}
