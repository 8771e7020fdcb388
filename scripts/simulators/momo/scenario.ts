/**
 * What becomes of a payment, and when. A scenario is a list of steps in virtual time, so that a payment's status is a
 * function of the clock and of nothing else.
 *
 * MTN's sandbox chooses the scenario by the payer's number, 467331234NN (MTN docs, sandbox numbers). Where the
 * docs name a scenario without its timing, the timing here is a guess and says so.
 */
import { z } from "zod";

export const stepSchema = z.object({
  /** Milliseconds after the payment was created. */
  afterMs: z.number().int().min(0),
  /** PENDING, CREATED, SUCCESSFUL, FAILED; any other word is one that clients do not know. */
  status: z.string().min(1),
  /** Only with FAILED: the code of the reason. */
  reason: z.string().min(1).optional(),
});

export type Step = z.infer<typeof stepSchema>;

/** Steps ordered by time, the first of them at 0. */
export const stepsSchema = z
  .array(stepSchema)
  .min(1)
  .refine(
    (steps) =>
      steps[0]?.afterMs === 0 && steps.every((step, index) => step.afterMs >= (steps[index - 1]?.afterMs ?? 0)),
    "steps start at 0 and never go back in time",
  )
  .refine(
    (steps) => steps.every((step, index) => index === steps.length - 1 || !isTerminal(step.status)),
    "nothing follows SUCCESSFUL or FAILED",
  );

/** The time that the payer has to approve (MTN docs). */
export const APPROVAL_WINDOW_MS = 300_000;

const failsAtOnce = (reason: string): Step[] => [{ afterMs: 0, status: "FAILED", reason }];
const failsAfter = (afterMs: number, reason: string): Step[] => [
  { afterMs: 0, status: "PENDING" },
  { afterMs, status: "FAILED", reason },
];

/** How long a payer takes when nothing else is said. A guess. */
export const APPROVAL_MS = 5_000;

const SCENARIOS = {
  succeeds: [
    { afterMs: 0, status: "PENDING" },
    { afterMs: APPROVAL_MS, status: "SUCCESSFUL" },
  ],
  fails: failsAtOnce("INTERNAL_PROCESSING_ERROR"),
  rejected: failsAtOnce("APPROVAL_REJECTED"),
  expired: failsAtOnce("EXPIRED"),
  // An older page said "successful when asked again after 30 s"; at 40 s it was still pending (measured).
  stays_pending: [{ afterMs: 0, status: "PENDING" }],
  // Measured by third parties: CREATED, a word that the docs do not have, and about 25 s to the end.
  delayed: [
    { afterMs: 0, status: "CREATED" },
    { afterMs: 25_000, status: "SUCCESSFUL" },
  ],
  payer_not_found: failsAfter(2_000, "PAYER_NOT_FOUND"),
  payee_not_allowed: failsAfter(2_000, "PAYEE_NOT_ALLOWED_TO_RECEIVE"),
  could_not_perform: failsAfter(APPROVAL_WINDOW_MS, "COULD_NOT_PERFORM_TRANSACTION"),
  transfer_type_unknown: failsAfter(2_000, "TRANSFER_TYPE_UNKNOWN"),
  not_enough_funds: failsAfter(2_000, "NOT_ENOUGH_FUNDS"),
  expires: failsAfter(APPROVAL_WINDOW_MS, "EXPIRED"),
  not_allowed: failsAfter(2_000, "NOT_ALLOWED"),
  not_allowed_target_environment: failsAfter(2_000, "NOT_ALLOWED_TARGET_ENVIRONMENT"),
  invalid_callback_url_host: failsAfter(2_000, "INVALID_CALLBACK_URL_HOST"),
  invalid_currency: failsAfter(2_000, "INVALID_CURRENCY"),
  internal_processing_error: failsAfter(2_000, "INTERNAL_PROCESSING_ERROR"),
  service_unavailable: failsAfter(2_000, "SERVICE_UNAVAILABLE"),
} satisfies Record<string, Step[]>;

export type ScenarioName = keyof typeof SCENARIOS;

const isScenario = (name: string): name is ScenarioName => Object.hasOwn(SCENARIOS, name);

export const scenarioNames: ScenarioName[] = Object.keys(SCENARIOS).filter(isScenario);

export function scenarioSteps(name: ScenarioName): Step[] {
  return SCENARIOS[name];
}

const BY_LAST_DIGITS: Record<string, ScenarioName> = {
  "50": "fails",
  "51": "rejected",
  "52": "expired",
  "53": "stays_pending",
  "54": "delayed",
  "55": "payer_not_found",
  "56": "payee_not_allowed",
  "57": "not_allowed",
  "58": "not_allowed_target_environment",
  "59": "invalid_callback_url_host",
  "60": "invalid_currency",
  "61": "internal_processing_error",
  "62": "service_unavailable",
  "63": "could_not_perform",
  "64": "transfer_type_unknown",
};

/** The scenario of a payer's number; every number that is not in the table succeeds. */
export function scenarioOfPayer(msisdn: string): ScenarioName {
  const digits = /^467331234(\d\d)$/.exec(msisdn)?.[1];
  return (digits === undefined ? undefined : BY_LAST_DIGITS[digits]) ?? "succeeds";
}

/** The two last digits of a sandbox number, null for every other number. */
export function sandboxDigits(msisdn: string): string | null {
  return /^467331234(\d\d)$/.exec(msisdn)?.[1] ?? null;
}

const REFUSED_AT_POST: Partial<Record<ScenarioName, string>> = {
  not_allowed: "NOT_ALLOWED",
  not_allowed_target_environment: "NOT_ALLOWED_TARGET_ENVIRONMENT",
  invalid_callback_url_host: "INVALID_CALLBACK_URL_HOST",
  invalid_currency: "INVALID_CURRENCY",
  internal_processing_error: "INTERNAL_PROCESSING_ERROR",
  service_unavailable: "SERVICE_UNAVAILABLE",
};

/**
 * The code with which the POST itself is refused (numbers 57 to 62), or null. Whether these fail at the POST or later
 * is not documented; the setting `refuseAtPost` chooses.
 */
export function refusalAtPost(name: ScenarioName): string | null {
  return REFUSED_AT_POST[name] ?? null;
}

/** The steps with their last one moved to so long after the creation; none of the others comes after it. */
export function withOutcomeAfter(steps: Step[], afterMs: number): Step[] {
  return steps.map((step, index) => ({
    ...step,
    afterMs: index === steps.length - 1 ? afterMs : Math.min(step.afterMs, afterMs),
  }));
}

/** The same steps, so much later. */
export function shifted(steps: Step[], byMs: number): Step[] {
  return steps.map((step) => ({ ...step, afterMs: step.afterMs + byMs }));
}

/** The step in force so long after the creation. */
export function stepAt(steps: Step[], elapsedMs: number): Step {
  const found = steps.findLast((step) => step.afterMs <= elapsedMs) ?? steps[0];
  if (found === undefined) throw new RangeError("a scenario without steps");
  return found;
}

export function isTerminal(status: string): boolean {
  return status === "SUCCESSFUL" || status === "FAILED";
}
