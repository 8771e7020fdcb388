/** Reads about the wallet itself and about account holders (MTN docs). */
import { json, type Reply, type SimulatorRequest } from "../http.ts";
import { formatAmount } from "./amount.ts";
import { badRequest, momoError } from "./errors.ts";
import { sandboxDigits } from "./scenario.ts";
import type { Wallet } from "./state.ts";
import { balanceAt } from "./statement.ts";
import type { World } from "./world.ts";

/** A decimal string and the currency: `{"availableBalance":"32.39","currency":"ZAR"}`. */
export function readBalance(world: World, wallet: Wallet, request: SimulatorRequest): Reply {
  const asked = request.params["currency"];
  if (asked !== undefined && asked !== wallet.currency) return momoError("INVALID_CURRENCY");
  const balance = balanceAt(world.ledger, wallet, world.clock.now());
  return json(200, { availableBalance: formatAmount(balance), currency: wallet.currency });
}

const ACTIVE_FAILS: Record<string, string> = {
  "50": "RESOURCE_NOT_FOUND",
  "52": "NOT_ALLOWED",
  "53": "NOT_ALLOWED_TARGET_ENVIRONMENT",
  "54": "INTERNAL_PROCESSING_ERROR",
  "55": "SERVICE_UNAVAILABLE",
};

/** True for anything that can be a wallet's number; the sandbox numbers have answers of their own. */
export function readActive(request: SimulatorRequest): Reply {
  const { type, id = "" } = request.params;
  if (type !== "msisdn" && type !== "email") return badRequest();
  const digits = sandboxDigits(id) ?? "";
  const failure = ACTIVE_FAILS[digits];
  if (failure !== undefined) return momoError(failure);
  return json(200, { result: digits !== "51" && (type === "email" ? id.includes("@") : /^\d{8,15}$/.test(id)) });
}

/** The sandbox's one invented person (measured by third parties). */
export function readBasicUserInfo(request: SimulatorRequest): Reply {
  if (request.params["type"] !== "msisdn" && request.params["type"] !== "email") return badRequest();
  return json(200, {
    sub: "0",
    name: "Sand Box",
    given_name: "Sand",
    family_name: "Box",
    birthdate: "1976-08-13",
    locale: "sv_SE",
    gender: "MALE",
    status: "ACTIVE",
    updated_at: 1_598_000_000,
  });
}
