/** Control actions on payments: somebody's app asks a payer for money, and the payer does something unexpected. */
import { z } from "zod";
import { uuidFor } from "../random.ts";
import { currentStep } from "./payment.ts";
import {
  isTerminal,
  scenarioNames,
  scenarioOfPayer,
  scenarioSteps,
  shifted,
  type Step,
  stepsSchema,
  withOutcomeAfter,
} from "./scenario.ts";
import { callbackPlanSchema, dropUndefined } from "./settings.ts";
import { NotPossible, type Payment, paymentKey, paymentOf, UnknownThing, walletOf } from "./state.ts";
import { truePayment, type TruePayment } from "./truth.ts";
import type { Addresses } from "./wallet_controls.ts";
import type { World } from "./world.ts";

const planShape = {
  /** By name, or written out; the payer's number decides unless told. */
  scenario: z.union([z.enum(scenarioNames), stepsSchema]).optional(),
  /** Virtual milliseconds from this action to the outcome. */
  outcomeAfterMs: z.number().int().min(0).optional(),
  /** The code of the failure, instead of the scenario's. */
  reason: z.string().min(1).optional(),
  callbacks: callbackPlanSchema.partial().optional(),
};

export const paymentOptionsSchema = z.strictObject({
  amount: z.string().regex(/^\d{1,30}(\.\d{1,6})?$/),
  /** The payer's number; one that succeeds unless told. */
  payer: z
    .string()
    .regex(/^\d{5,15}$/)
    .optional(),
  operation: z.enum(["requesttopay", "requesttowithdraw"]).optional(),
  /** The wallet's first unless told. */
  platform: z.string().optional(),
  referenceId: z.uuid().optional(),
  externalId: z.string().min(1).optional(),
  payerMessage: z.string().max(160).optional(),
  payeeNote: z.string().max(160).optional(),
  callbackUrl: z.url().optional(),
  ...planShape,
});

export type PaymentOptions = z.infer<typeof paymentOptionsSchema>;

/** From now on. A new scenario starts at this moment; what the payment already went through stays. */
export const paymentChangeSchema = z.strictObject(planShape);

export type PaymentChange = z.infer<typeof paymentChangeSchema>;

/** All that an app that tracks its references stores about one. */
export type CreatedPayment = TruePayment & { baseUrl: string; targetEnvironment: string; requestedAt: string };

export type PaymentControls = {
  createPayment(apiUser: string, options: PaymentOptions): CreatedPayment;
  /** @throws NotPossible when the payment has already ended. */
  changePayment(referenceId: string, change: PaymentChange, platform?: string): TruePayment;
};

const ORDINARY_PAYER = "46733123999";

export function paymentControls(world: World, addresses: Addresses): PaymentControls {
  const now = (): number => world.clock.now();
  return {
    createPayment(apiUser, given) {
      const options = paymentOptionsSchema.parse(given);
      const wallet = walletOf(world.state, apiUser);
      const platform = options.platform ?? wallet.platforms[0] ?? "";
      if (!wallet.platforms.includes(platform)) throw new UnknownThing(`the wallet does not work on ${platform}`);
      const ordinal = wallet.payments.length + 1;
      const reference = options.referenceId ?? uuidFor(world.seed, "reference", apiUser, ordinal);
      if (world.state.payments.has(paymentKey(platform, reference))) throw new NotPossible("the reference is taken");
      const payer = options.payer ?? ORDINARY_PAYER;
      world.record({
        kind: "payment_created",
        at: now(),
        apiUser,
        platform,
        reference,
        operation: options.operation ?? "requesttopay",
        amount: options.amount,
        currency: wallet.currency,
        externalId: options.externalId ?? `order-${ordinal}`,
        payerType: "MSISDN",
        payerId: payer,
        payerMessage: options.payerMessage ?? null,
        payeeNote: options.payeeNote ?? null,
        steps: beginningNow(adjusted(namedSteps(options.scenario ?? scenarioOfPayer(payer)), options)),
        callbackUrl: options.callbackUrl ?? null,
        callbacks: { ...world.state.settings.callbacks, ...dropUndefined(options.callbacks ?? {}) },
      });
      const payment = paymentOf(world.state, platform, reference);
      const truth = truePayment(world, payment, now());
      const baseUrl = addresses.baseUrl(platform);
      return { ...truth, baseUrl, targetEnvironment: wallet.environment, requestedAt: truth.createdAt };
    },
    changePayment(referenceId, given, platform) {
      const change = paymentChangeSchema.parse(given);
      const payment = findPayment(world, referenceId, platform);
      // A clock set back to before the creation counts as the moment of creation.
      const elapsed = Math.max(0, now() - payment.createdAt);
      if (isTerminal(currentStep(payment, now()).status)) throw new NotPossible("the payment has already ended");
      const past = payment.steps.filter((step) => step.afterMs <= elapsed);
      const coming = payment.steps.filter((step) => step.afterMs > elapsed);
      const ahead = change.scenario === undefined ? shifted(coming, -elapsed) : namedSteps(change.scenario);
      world.record({
        kind: "payment_changed",
        at: now(),
        platform: payment.platform,
        reference: payment.reference,
        steps: [...past, ...shifted(adjusted(ahead, change), elapsed)],
        callbacks: { ...payment.callbacks, ...dropUndefined(change.callbacks ?? {}) },
      });
      return truePayment(world, payment, now());
    },
  };
}

function namedSteps(scenario: NonNullable<PaymentChange["scenario"]>): Step[] {
  return typeof scenario === "string" ? scenarioSteps(scenario) : scenario;
}

/** @throws NotPossible when there is no outcome to move or no failure to explain. */
function adjusted(steps: Step[], { outcomeAfterMs, reason }: PaymentChange): Step[] {
  const last = steps.at(-1);
  if (outcomeAfterMs === undefined && reason === undefined) return steps;
  if (last === undefined || !isTerminal(last.status)) throw new NotPossible("this scenario has no outcome");
  if (reason !== undefined && last.status !== "FAILED") throw new NotPossible("only a failure has a reason");
  const explained = reason === undefined ? steps : [...steps.slice(0, -1), { ...last, reason }];
  return outcomeAfterMs === undefined ? explained : withOutcomeAfter(explained, outcomeAfterMs);
}

function beginningNow(steps: Step[]): Step[] {
  return steps[0]?.afterMs === 0 ? steps : [{ afterMs: 0, status: "PENDING" }, ...steps];
}

/** A reference may exist on several platforms: then the platform must be told. */
function findPayment(world: World, reference: string, platform: string | undefined): Payment {
  if (platform !== undefined) return paymentOf(world.state, platform, reference);
  const found = [...world.state.payments.values()].filter((payment) => payment.reference === reference);
  const [payment, ...others] = found;
  if (payment === undefined) throw new UnknownThing(`no payment ${reference}`);
  if (others.length > 0) throw new NotPossible("this reference exists on several platforms: name one");
  return payment;
}
