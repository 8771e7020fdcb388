/** The control endpoint: MonoControl over HTTP, JSON in and out, no key. It answers on loopback only, like all the rest. */
import { z, ZodError } from "zod";
import { json, type Handler, type Reply, type Route, type SimulatorRequest } from "../http.ts";
import { faultSchema } from "../faults.ts";
import {
  consentChange,
  newAccount,
  newTransaction,
  realtimeSettings,
  statusChange,
  transactionChange,
} from "./actions.ts";
import { keySettings, limitSettings, type MonoControl } from "./control.ts";
import { BadRequest, UnknownThing } from "./errors.ts";
import { shiftOrder } from "./shift.ts";
import { webhookSettings } from "./webhooks.ts";

const clockMove = z.union([
  z.strictObject({ now: z.union([z.int(), z.iso.datetime().transform((text) => Date.parse(text))]) }),
  z.strictObject({ offsetMs: z.int() }),
  z.strictObject({ advanceMs: z.int() }),
]);

const announced = z.strictObject({ announce: z.boolean().exactOptional() });
const customer = z.strictObject({ name: z.string().min(1), email: z.string().min(3) });
const choices = z.record(z.string(), z.unknown());
const flag = z.strictObject({ down: z.boolean() });

export function controlRoutes(control: () => MonoControl): Route[] {
  const account = (request: SimulatorRequest): string => request.params["id"] ?? "";
  const transaction = (request: SimulatorRequest): string => request.params["transaction"] ?? "";
  const given = (request: SimulatorRequest): unknown => request.body ?? {};

  /** An answer of nothing is `{ok: true}`. */
  const route = (
    method: string,
    path: string,
    handle: (request: SimulatorRequest, control: MonoControl) => unknown,
  ): Route => ({
    method,
    path: `/control${path}`,
    handle: inPlainWords(async (request) => json(200, (await handle(request, control())) ?? { ok: true })),
  });

  return [
    route("GET", "/state", (_request, mono) => mono.state()),
    route("POST", "/clock", (request, mono) => {
      mono.moveClock(clockMove.parse(request.body));
      return { now: mono.state().now };
    }),
    route("POST", "/customers", (request, mono) => ({ id: mono.createCustomer(customer.parse(request.body)) })),
    route("POST", "/accounts", (request, mono) => ({ id: mono.createAccount(newAccount.parse(given(request))) })),
    route("POST", "/accounts/:id/transactions", (request, mono) => ({
      id: mono.addTransaction(account(request), newTransaction.parse(request.body)),
    })),
    route("PATCH", "/accounts/:id/transactions/:transaction", (request, mono) =>
      mono.changeTransaction(account(request), transaction(request), transactionChange.parse(request.body)),
    ),
    route("DELETE", "/accounts/:id/transactions/:transaction", (request, mono) =>
      mono.removeTransaction(account(request), transaction(request)),
    ),
    route("POST", "/accounts/:id/transactions/:transaction/restore", (request, mono) =>
      mono.restoreTransaction(account(request), transaction(request)),
    ),
    route("POST", "/accounts/:id/transactions/:transaction/reissue", (request, mono) => ({
      id: mono.reissueTransaction(account(request), transaction(request)),
    })),
    route("POST", "/accounts/:id/consent", (request, mono) =>
      mono.setConsent(account(request), consentChange.parse(request.body)),
    ),
    route("POST", "/accounts/:id/relink", (request, mono) => ({
      id: mono.relink(account(request), announced.parse(given(request))),
    })),
    route("POST", "/accounts/:id/unlink", (request, mono) => mono.unlink(account(request))),
    route("POST", "/accounts/:id/realtime", (request, mono) =>
      mono.setRealtime(account(request), realtimeSettings.parse(request.body)),
    ),
    route("POST", "/accounts/:id/status", (request, mono) =>
      mono.setStatus(account(request), statusChange.parse(request.body)),
    ),
    route("POST", "/institutions/:id", (request, mono) =>
      mono.setInstitution(account(request), flag.parse(request.body)),
    ),
    route("POST", "/connect/:id", (request, mono) => ({
      result: mono.completeConnect(account(request), choices.parse(given(request))),
    })),
    route("GET", "/truth/:id", (request, mono) => mono.truth(account(request), moment(request.query.get("asOf")))),
    route("GET", "/cache/:id", (request, mono) => mono.cached(account(request))),
    route("POST", "/shift", (request, mono) => mono.shift(shiftOrder.parse(request.body))),
    route("POST", "/rate-limit", (request, mono) => mono.setRateLimit(limitSettings.nullable().parse(request.body))),
    route("POST", "/key", (request, mono) => mono.setKey(keySettings.parse(request.body))),
    route("POST", "/webhooks", (request, mono) => mono.configureWebhooks(webhookSettings.parse(request.body))),
    route("POST", "/webhooks/flush", (_request, mono) => mono.flushWebhooks()),
    route("GET", "/webhooks/events", (_request, mono) => mono.events()),
    route("POST", "/faults", (request, mono) => mono.addFault(faultSchema.parse(request.body))),
    route("DELETE", "/faults", (_request, mono) => mono.clearFaults()),
    route("POST", "/reset", (_request, mono) => mono.reset()),
  ];
}

function moment(asOf: string | null): number | undefined {
  if (asOf === null) return undefined;
  const parsed = /^\d+$/.test(asOf) ? Number(asOf) : Date.parse(asOf);
  if (Number.isNaN(parsed)) throw new BadRequest("asOf must be milliseconds or an ISO date");
  return parsed;
}

function inPlainWords(handle: Handler): Handler {
  return async (request): Promise<Reply> => {
    try {
      return await handle(request);
    } catch (error) {
      if (error instanceof UnknownThing) return json(404, { error: error.message });
      if (error instanceof BadRequest || error instanceof RangeError) return json(400, { error: error.message });
      if (error instanceof ZodError) return json(400, { error: z.prettifyError(error) });
      throw error;
    }
  };
}
