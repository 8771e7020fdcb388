/** Asking a payer for money, and how it went: requesttopay and requesttowithdraw (MTN docs). */
import { z } from "zod";
import { empty, header, json, type Reply, type SimulatorRequest } from "../http.ts";
import { parseAmount } from "./amount.ts";
import { badRequest, momoError } from "./errors.ts";
import { isUuid4 } from "./gateway.ts";
import { paymentResult } from "./payment.ts";
import { refusalAtPost, scenarioOfPayer, scenarioSteps } from "./scenario.ts";
import { type Payment, paymentKey, type Wallet } from "./state.ts";
import type { Platform, World } from "./world.ts";

/** Apostrophes are documented as refused, "some specials" are not listed: these are a guess. */
const note = z
  .string()
  .max(160)
  .regex(/^[^'"<>&;{}]*$/);

const paymentBodySchema = z.object({
  amount: z.string().refine((text) => (parseAmount(text) ?? 0n) > 0n),
  currency: z.string().regex(/^[A-Z]{3}$/),
  // Spaces are reported as refused.
  externalId: z.string().regex(/^\S+$/),
  payer: z.discriminatedUnion("partyIdType", [
    z.object({ partyIdType: z.literal("MSISDN"), partyId: z.string().regex(/^\d{5,15}$/, "digits, no plus sign") }),
    z.object({ partyIdType: z.enum(["EMAIL", "PARTY_CODE"]), partyId: z.string().min(1) }),
  ]),
  payerMessage: note.optional(),
  payeeNote: note.optional(),
});

/** 202 and nothing else: the request was understood, which says nothing about the money. */
export function createPayment(
  world: World,
  platform: Platform,
  wallet: Wallet,
  operation: Payment["operation"],
  request: SimulatorRequest,
): Reply {
  const reference = header(request, "x-reference-id");
  if (!isUuid4(reference)) return badRequest();
  if (world.state.payments.has(paymentKey(platform.name, reference))) return momoError("RESOURCE_ALREADY_EXIST");
  const parsed = paymentBodySchema.safeParse(request.body);
  if (!parsed.success) return badRequest();
  const body = parsed.data;
  const callbackUrl = header(request, "x-callback-url") ?? null;
  if (callbackUrl !== null && !isOwnHost(wallet, callbackUrl)) return momoError("INVALID_CALLBACK_URL_HOST");
  if (body.currency !== wallet.currency) return momoError("INVALID_CURRENCY");
  const scenario = scenarioOfPayer(body.payer.partyId);
  const { settings } = world.state;
  const refusal = settings.refuseAtPost ? refusalAtPost(scenario) : null;
  // A refused POST leaves no payment behind: its reference stays free and reads as 404. Not documented.
  if (refusal !== null) return momoError(refusal);
  world.record({
    kind: "payment_created",
    at: world.clock.now(),
    apiUser: wallet.apiUser,
    platform: platform.name,
    reference,
    operation,
    amount: body.amount,
    currency: body.currency,
    externalId: body.externalId,
    payerType: body.payer.partyIdType,
    payerId: body.payer.partyId,
    payerMessage: body.payerMessage ?? null,
    payeeNote: body.payeeNote ?? null,
    steps: scenarioSteps(scenario),
    callbackUrl,
    callbacks: settings.callbacks,
  });
  return empty(202);
}

/** 200 for a failed payment as well. A reference is known to the platform and the wallet that made it, to no other. */
export function readPayment(
  world: World,
  platform: Platform,
  wallet: Wallet,
  operation: Payment["operation"],
  request: SimulatorRequest,
): Reply {
  const payment = ownPayment(world, platform, wallet, operation, request);
  if (payment === null) return momoError("RESOURCE_NOT_FOUND");
  return json(200, paymentResult(world.seed, world.state.settings, payment, world.clock.now()));
}

const notificationSchema = z.object({ notificationMessage: z.string().min(1).max(160) });

/** The extra text message to a payer. It is accepted and goes nowhere. */
export function notifyPayer(world: World, platform: Platform, wallet: Wallet, request: SimulatorRequest): Reply {
  if (ownPayment(world, platform, wallet, "requesttopay", request) === null) return momoError("RESOURCE_NOT_FOUND");
  if (header(request, "notificationmessage") === undefined) return badRequest();
  return notificationSchema.safeParse(request.body).success ? empty(200) : badRequest();
}

function ownPayment(
  world: World,
  platform: Platform,
  wallet: Wallet,
  operation: Payment["operation"],
  request: SimulatorRequest,
): Payment | null {
  const payment = world.state.payments.get(paymentKey(platform.name, request.params["reference"] ?? ""));
  return payment?.apiUser === wallet.apiUser && payment.operation === operation ? payment : null;
}

function isOwnHost(wallet: Wallet, callbackUrl: string): boolean {
  return URL.canParse(callbackUrl) && new URL(callbackUrl).hostname === wallet.callbackHost;
}
