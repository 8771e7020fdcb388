/** The control endpoint: every control method over HTTP, without a key. */
import { z } from "zod";
import { faultSchema } from "../faults.ts";
import { type Handler, json, type Route, type SimulatorRequest } from "../http.ts";
import { paymentChangeSchema, paymentOptionsSchema } from "./payment_controls.ts";
import { rowChangeSchema } from "./events.ts";
import { rowOptionsSchema } from "./row_controls.ts";
import { callbackPlanSchema, settingsPatchSchema } from "./settings.ts";
import type { MomoSimulator } from "./simulator.ts";
import { NotPossible, UnknownThing } from "./state.ts";
import { walletOptionsSchema } from "./wallet_controls.ts";

const clockMoveSchema = z.union([
  z.strictObject({ now: z.union([z.number().int(), z.iso.datetime().transform((text) => Date.parse(text))]) }),
  z.strictObject({ offsetMs: z.number().int() }),
  z.strictObject({ advanceMs: z.number().int() }),
]);

const rateLimitSchema = z.object({ limit: z.number().int().min(1), windowMs: z.number().int().min(1) });

/**
 * Answers: 200 with what the method returns (`{}` for nothing), 400 for a body that does not fit, 404 for a thing
 * that does not exist, 409 for what cannot be done any more.
 */
export function controlRoutes(simulator: MomoSimulator): Route[] {
  return [
    route("GET", "/state", () => simulator.state()),
    route("GET", "/truth/:apiUser", (request) => simulator.truth(apiUser(request))),
    route("POST", "/clock", async ({ body }) => {
      await simulator.moveClock(clockMoveSchema.parse(body));
      return { now: new Date(simulator.clock.now()).toISOString(), offsetMs: simulator.clock.offsetMs };
    }),
    route("POST", "/wallets", ({ body }) => simulator.createWallet(walletOptionsSchema.parse(body ?? {}))),
    route("POST", "/wallets/:apiUser/rotate-key", (request) => simulator.rotateKey(apiUser(request))),
    route("POST", "/wallets/:apiUser/revoke", (request) => {
      const { revoked } = z.strictObject({ revoked: z.boolean().default(true) }).parse(request.body ?? {});
      simulator.revoke(apiUser(request), revoked);
    }),
    route("POST", "/wallets/:apiUser/end-tokens", (request) => simulator.endTokens(apiUser(request))),
    route("POST", "/wallets/:apiUser/platforms", (request) => {
      const { platforms } = z.strictObject({ platforms: z.array(z.string()).min(1) }).parse(request.body);
      simulator.openOn(apiUser(request), platforms);
    }),
    route("POST", "/wallets/:apiUser/payments", (request) =>
      simulator.createPayment(apiUser(request), paymentOptionsSchema.parse(request.body)),
    ),
    route("PATCH", "/payments/:reference", (request) => {
      const platform = request.query.get("platform") ?? undefined;
      const change = paymentChangeSchema.parse(request.body);
      return simulator.changePayment(request.params["reference"] ?? "", change, platform);
    }),
    route("POST", "/wallets/:apiUser/rows", (request) =>
      simulator.postRow(apiUser(request), rowOptionsSchema.parse(request.body)),
    ),
    route("PATCH", "/wallets/:apiUser/rows/:rowId", (request) =>
      simulator.changeRow(apiUser(request), rowId(request), rowChangeSchema.parse(request.body)),
    ),
    route("DELETE", "/wallets/:apiUser/rows/:rowId", (request) =>
      simulator.removeRow(apiUser(request), rowId(request)),
    ),
    route("POST", "/statement/rotate-secret", () => simulator.rotateStatementSecret()),
    route("POST", "/callbacks", ({ body }) =>
      simulator.changeSettings({ callbacks: callbackPlanSchema.partial().parse(body) }),
    ),
    route("POST", "/settings", ({ body }) => simulator.changeSettings(settingsPatchSchema.parse(body))),
    route("POST", "/rate-limit", ({ body }) => {
      const { host, limit } = z
        .strictObject({ host: z.string().optional(), limit: rateLimitSchema.nullable() })
        .parse(body);
      simulator.setRateLimit(limit, host);
    }),
    route("POST", "/faults", ({ body }) => {
      const { host, ...fault } = faultSchema.extend({ host: z.string().optional() }).parse(body);
      simulator.addFault(fault, host);
    }),
    route("DELETE", "/faults", () => simulator.clearFaults()),
    route("POST", "/reset", () => simulator.reset()),
  ];
}

function route(method: string, path: string, act: (request: SimulatorRequest) => unknown): Route {
  return { method, path: `/control${path}`, handle: guarded(act) };
}

const apiUser = (request: SimulatorRequest): string => request.params["apiUser"] ?? "";
const rowId = (request: SimulatorRequest): string => request.params["rowId"] ?? "";

function guarded(act: (request: SimulatorRequest) => unknown): Handler {
  return async (request) => {
    try {
      return json(200, (await act(request)) ?? {});
    } catch (error) {
      if (error instanceof UnknownThing) return json(404, { error: error.message });
      if (error instanceof NotPossible) return json(409, { error: error.message });
      throw error;
    }
  };
}
