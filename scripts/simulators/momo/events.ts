/**
 * Everything that ever changes the simulator, one event each. The state is the fold of its events, so that a journal
 * of them brings back the same state after a restart. Moments are virtual milliseconds since 1970; money is a decimal
 * string.
 */
import { z } from "zod";
import { stepsSchema } from "./scenario.ts";
import { callbackPlanSchema, settingsPatchSchema } from "./settings.ts";

const amount = z.string().regex(/^\d{1,30}(\.\d{1,6})?$/, "a decimal string with at most six digits after the point");
const at = z.number().int();

export const rowFieldsSchema = z.object({
  direction: z.enum(["credit", "debit"]),
  amount,
  fee: amount,
  /** `Successful` moves money; `Failed`, `Pending` and anything else does not. */
  status: z.string().min(1),
  type: z.string().min(1),
  counterpartyMsisdn: z.string(),
  counterpartyName: z.string(),
});

export type RowFields = z.infer<typeof rowFieldsSchema>;

/** What a correction may say: some of the fields. */
export const rowChangeSchema = rowFieldsSchema.partial().strict();

export type RowChange = z.infer<typeof rowChangeSchema>;

export const eventSchema = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("wallet_created"),
    at,
    apiUser: z.string().min(1),
    /** Primary and secondary: both are accepted. */
    subscriptionKeys: z.array(z.string().min(1)).min(1),
    environment: z.string(),
    currency: z.string(),
    /** null: made without one, and any callback host is refused. */
    callbackHost: z.string().nullable(),
    /** Names of the platforms on which these credentials work. */
    platforms: z.array(z.string().min(1)).min(1),
    /** What the wallet holds at this moment. */
    balance: amount,
    msisdn: z.string(),
    holderName: z.string(),
    /** The invented statement: its first day, and the mean number of rows on a day that has any. null: none. */
    history: z.object({ from: z.string(), rowsPerDay: z.number().int().min(1) }).nullable(),
  }),
  z.object({
    kind: z.literal("key_made"),
    at,
    apiUser: z.string(),
    apiKey: z.string(),
    /** The keys made before it end now. */
    replaces: z.boolean(),
  }),
  z.object({ kind: z.literal("tokens_ended"), at, apiUser: z.string() }),
  z.object({ kind: z.literal("wallet_revoked"), at, apiUser: z.string(), revoked: z.boolean() }),
  z.object({ kind: z.literal("wallet_opened_on"), at, apiUser: z.string(), platforms: z.array(z.string()).min(1) }),
  z.object({
    kind: z.literal("payment_created"),
    at,
    apiUser: z.string(),
    platform: z.string(),
    reference: z.string(),
    operation: z.enum(["requesttopay", "requesttowithdraw"]),
    amount,
    currency: z.string(),
    externalId: z.string(),
    payerType: z.string(),
    payerId: z.string(),
    payerMessage: z.string().nullable(),
    payeeNote: z.string().nullable(),
    steps: stepsSchema,
    callbackUrl: z.string().nullable(),
    callbacks: callbackPlanSchema,
  }),
  z.object({
    kind: z.literal("payment_changed"),
    at,
    platform: z.string(),
    reference: z.string(),
    steps: stepsSchema,
    callbacks: callbackPlanSchema,
  }),
  z.object({ kind: z.literal("callback_attempted"), at, platform: z.string(), reference: z.string() }),
  z.object({
    kind: z.literal("row_posted"),
    at,
    apiUser: z.string(),
    rowId: z.string(),
    /** When it happened, as the row tells it. */
    occurredAt: z.number().int(),
    /** When the statement begins to show it, and when the money moves. */
    postedAt: z.number().int(),
    fields: rowFieldsSchema,
  }),
  z.object({
    kind: z.literal("row_changed"),
    at,
    apiUser: z.string(),
    rowId: z.string(),
    fields: rowChangeSchema,
  }),
  z.object({ kind: z.literal("row_removed"), at, apiUser: z.string(), rowId: z.string() }),
  z.object({ kind: z.literal("secret_rotated"), at }),
  z.object({ kind: z.literal("settings_changed"), at, settings: settingsPatchSchema }),
  z.object({ kind: z.literal("clock_moved"), at, offsetMs: z.number().int() }),
]);

export type SimulatorEvent = z.infer<typeof eventSchema>;
