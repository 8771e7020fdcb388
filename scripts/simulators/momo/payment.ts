/** One payment as it stands at a moment, and as MTN tells it. */
import { randomFor, type Seed } from "../random.ts";
import { formatAmount } from "./amount.ts";
import { ERROR_MESSAGES } from "./errors.ts";
import { isTerminal, type Step, stepAt } from "./scenario.ts";
import type { Settings } from "./settings.ts";
import type { Payment } from "./state.ts";

export function currentStep(payment: Payment, now: number): Step {
  return stepAt(payment.steps, now - payment.createdAt);
}

/** The last step, and its moment when it is an outcome; a payment that never ends has none. */
export function outcome(payment: Payment): { step: Step; at: number | null } {
  const step = stepAt(payment.steps, Number.POSITIVE_INFINITY);
  return { step, at: isTerminal(step.status) ? payment.createdAt + step.afterMs : null };
}

/** When the money moved or will move, null when it never does. */
export function moneyMovesAt(payment: Payment): number | null {
  const { step, at } = outcome(payment);
  return step.status === "SUCCESSFUL" ? at : null;
}

/** MTN's own id of a successful payment: ten digits. */
export function financialTransactionId(seed: Seed, payment: Payment): string {
  return String(randomFor(seed, "financial transaction", payment.platform, payment.reference).int(1e9, 9_999_999_999));
}

/**
 * The body of a status read and of a callback: no reference id, no time of any kind, the amount without trailing
 * zeros, and a reason in either form (MTN docs; measured by third parties).
 */
export function paymentResult(seed: Seed, settings: Settings, payment: Payment, now: number): Record<string, unknown> {
  const step = currentStep(payment, now);
  return {
    ...(step.status === "SUCCESSFUL" ? { financialTransactionId: financialTransactionId(seed, payment) } : {}),
    externalId: payment.externalId,
    amount: formatAmount(payment.amount),
    currency: payment.currency,
    payer: { partyIdType: payment.payerType, partyId: payment.payerId },
    ...(payment.payerMessage === null ? {} : { payerMessage: payment.payerMessage }),
    ...(payment.payeeNote === null ? {} : { payeeNote: payment.payeeNote }),
    status: step.status,
    ...(step.reason === undefined ? {} : { reason: reason(seed, settings, payment, step.reason) }),
  };
}

function reason(seed: Seed, settings: Settings, payment: Payment, code: string): unknown {
  const alternating = settings.reasonForm === "alternate";
  const asObject = alternating
    ? randomFor(seed, "reason form", payment.reference).chance(0.5)
    : settings.reasonForm === "object";
  return asObject ? { code, message: ERROR_MESSAGES[code] ?? code } : code;
}
