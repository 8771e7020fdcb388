/** One MTN host: its routes, and what stands before them. */
import type { Faults } from "../faults.ts";
import { type Handler, type Reply, type Route, type SimulatorServer, startServer } from "../http.ts";
import type { SlidingWindowLimiter } from "../rate_limit.ts";
import { readActive, readBalance, readBasicUserInfo } from "./account.ts";
import { createPayment, notifyPayer, readPayment } from "./collection.ts";
import { badRequest, operationNotFound, rateLimited } from "./errors.ts";
import { authorize, refuseAtGateway, subscriptionKeyOf } from "./gateway.ts";
import { createApiKey, createApiUser, readApiUser } from "./provisioning.ts";
import type { Wallet } from "./state.ts";
import { handleToken } from "./token.ts";
import type { Platform, World } from "./world.ts";

export type PlatformServerOptions = {
  world: World;
  platform: Platform;
  port: number;
  limiter: SlidingWindowLimiter;
  faults: Faults;
  controlRoutes: Route[];
};

export async function startPlatformServer(options: PlatformServerOptions): Promise<SimulatorServer> {
  const { world, platform, limiter, faults } = options;
  return startServer({
    port: options.port,
    now: () => world.clock.now(),
    controlPath: "/control",
    routes: [...options.controlRoutes, ...provisioningRoutes(world, platform), ...collectionRoutes(world, platform)],
    notFound: operationNotFound,
    notJson: badRequest,
    around(request, answer) {
      const pass = limiter.take(world.clock.machineNow());
      if (!pass.allowed) return rateLimited(pass.retryAfterMs, world.state.settings.retryAfter);
      return faults.answer(request, () => refuseAtGateway(world, platform, request) ?? answer());
    },
  });
}

function provisioningRoutes(world: World, platform: Platform): Route[] {
  if (!platform.provisioning) return [];
  return [
    {
      method: "POST",
      path: "/v1_0/apiuser",
      handle: (request) => createApiUser(world, platform, subscriptionKeyOf(request) ?? "", request),
    },
    { method: "GET", path: "/v1_0/apiuser/:id", handle: (request) => readApiUser(world, platform, request) },
    { method: "POST", path: "/v1_0/apiuser/:id/apikey", handle: (request) => createApiKey(world, platform, request) },
  ];
}

function collectionRoutes(world: World, platform: Platform): Route[] {
  const product = (handle: (wallet: Wallet, ...rest: Parameters<Handler>) => Reply): Handler => {
    return (request) => {
      const entry = authorize(world, platform, request);
      return "refusal" in entry ? entry.refusal : handle(entry.wallet, request);
    };
  };
  const create = (path: string, operation: "requesttopay" | "requesttowithdraw"): Route => ({
    method: "POST",
    path: `/collection/${path}`,
    handle: product((wallet, request) => createPayment(world, platform, wallet, operation, request)),
  });
  const read = (operation: "requesttopay" | "requesttowithdraw"): Route => ({
    method: "GET",
    path: `/collection/v1_0/${operation}/:reference`,
    handle: product((wallet, request) => readPayment(world, platform, wallet, operation, request)),
  });
  const get = (path: string, handle: Parameters<typeof product>[0]): Route => ({
    method: "GET",
    path: `/collection/v1_0/${path}`,
    handle: product(handle),
  });
  return [
    { method: "POST", path: "/collection/token", handle: (request) => handleToken(world, platform, request) },
    create("v1_0/requesttopay", "requesttopay"),
    read("requesttopay"),
    create("v1_0/requesttowithdraw", "requesttowithdraw"),
    create("v2_0/requesttowithdraw", "requesttowithdraw"),
    read("requesttowithdraw"),
    {
      method: "POST",
      path: "/collection/v1_0/requesttopay/:reference/deliverynotification",
      handle: product((wallet, request) => notifyPayer(world, platform, wallet, request)),
    },
    get("account/balance", (wallet, request) => readBalance(world, wallet, request)),
    get("account/balance/:currency", (wallet, request) => readBalance(world, wallet, request)),
    get("accountholder/:type/:id/active", (_wallet, request) => readActive(request)),
    get("accountholder/:type/:id/basicuserinfo", (_wallet, request) => readBasicUserInfo(request)),
  ];
}
