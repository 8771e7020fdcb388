/**
 * Everything that can be done to the simulated world, as data. One list serves the typed control methods, the control
 * endpoint and the journal from which a world is rebuilt. Moments are milliseconds since 1970; money is kobo.
 */
import { z } from "zod";

const id = z.string().min(1);
const moment = z.int();
/** A JSON integer, or its digits as text. */
const kobo = z
  .union([
    z.bigint(),
    z.int().transform(BigInt),
    z
      .string()
      .regex(/^-?\d+$/)
      .transform(BigInt),
  ])
  .pipe(z.bigint());
const amount = kobo.refine((value) => value >= 0n, "an amount is never negative: the type carries the sign");
const retrievable = z.enum(["identity", "balance", "transactions"]);

export const dataStatuses = ["AVAILABLE", "PARTIAL", "UNAVAILABLE", "FAILED", "PROCESSING"] as const;
export type DataStatus = (typeof dataStatuses)[number];
export type Retrievable = z.output<typeof retrievable>;

/** How real-time jobs of an account go. */
export const realtimeSettings = z.strictObject({
  /** Virtual time a job takes. 0: it is finished in the same reply, which already serves the new data. */
  durationMs: z.union([z.int().nonnegative(), z.literal("never")]).exactOptional(),
  /**
   * auto: as the ledger and the consent say. new, none: it finishes, and says so about new data whatever the truth.
   * failed: Mono or the bank had trouble. reauth: the bank refused the stored login.
   */
  outcome: z.enum(["auto", "new", "none", "failed", "reauth"]).exactOptional(),
  /** While the job runs: 200 with `data: null` and an "enqueued" message (Mono docs of July 2024) instead of the cache. */
  legacyEnqueued: z.boolean().exactOptional(),
});
export type RealtimeSettings = {
  durationMs: number | "never";
  outcome: "auto" | "new" | "none" | "failed" | "reauth";
  legacyEnqueued: boolean;
};

export const newAccount = z.strictObject({
  /** A bank's code, name or Mono id. */
  institution: z.string().default("058"),
  type: z.enum(["SAVINGS_ACCOUNT", "CURRENT_ACCOUNT", "DOMICILIARY_ACCOUNT"]).default("SAVINGS_ACCOUNT"),
  /** Ten digits; drawn from the seed when left out. */
  number: z
    .string()
    .regex(/^\d{10}$/)
    .exactOptional(),
  name: z.string().min(1).exactOptional(),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/)
    .default("NGN"),
  /** Accounts of one login share its consent. Left out: a login of its own. */
  login: id.exactOptional(),
  /** An existing customer's id; left out: a customer of its own. */
  customer: id.exactOptional(),
  historyDays: z.int().nonnegative().max(3_660).default(90),
  /** Mean number of transactions; 0 for an account on which nothing ever happens. */
  perWeek: z.number().nonnegative().max(2_000).default(12),
  lateShare: z.number().min(0).max(1).default(0.03),
  dateStyle: z.enum(["mixed", "exact", "midnight"]).default("mixed"),
  /** What this bank can ever give; some domiciliary accounts only give a balance. */
  gives: z.array(retrievable).default(["identity", "balance", "transactions"]),
  /** Virtual time from linking to the first data; until then `data_status` is PROCESSING. */
  connectMs: z.int().nonnegative().default(0),
  authMethod: z.enum(["internet_banking", "mobile_banking"]).default("internet_banking"),
  /** What the app wants to find again in webhooks. */
  ref: z.string().exactOptional(),
  realtime: realtimeSettings.exactOptional(),
  /** Whether account_connected and account_updated are sent. */
  announce: z.boolean().default(false),
});

const transactionFields = {
  amount,
  type: z.enum(["debit", "credit"]),
  narration: z.string().nullable(),
  category: z.string().nullable(),
  /** As the bank dates it, ISO 8601 in UTC. */
  date: z.iso.datetime({ precision: 3 }),
  balance: kobo.nullable(),
};

export const newTransaction = z.strictObject({
  ...transactionFields,
  type: transactionFields.type.default("debit"),
  narration: transactionFields.narration.default("POS PURCHASE"),
  category: transactionFields.category.default("unknown"),
  /** Now, unless told. */
  date: transactionFields.date.exactOptional(),
  /** The running balance when it is posted, unless told. */
  balance: transactionFields.balance.exactOptional(),
  /** When the bank shows it: later than its date for a late posting, never earlier than now. */
  visibleAt: moment.exactOptional(),
  id: id.exactOptional(),
});

export const transactionChange = z.strictObject({
  amount: amount.exactOptional(),
  type: transactionFields.type.exactOptional(),
  narration: transactionFields.narration.exactOptional(),
  category: transactionFields.category.exactOptional(),
  date: transactionFields.date.exactOptional(),
  balance: transactionFields.balance.exactOptional(),
  /** Served over the true fields, e.g. `{"id": null}` or `{"amount": 12.5}`; null ends it. */
  raw: z.record(z.string(), z.json()).nullable().exactOptional(),
});

export const consentChange = z.strictObject({
  /** Jobs that start while it is expired fail with REAUTHORISATION_REQUIRED. */
  expired: z.boolean().exactOptional(),
  /** It will expire by itself. */
  expiresAt: moment.exactOptional(),
  /**
   * Expiring: whether the legacy `mono.events.reauthorisation_required` is sent (no, unless told). Renewing: whether
   * it goes as a re-auth does, with its fee, its fresh data and its two events (yes, unless told).
   */
  announce: z.boolean().exactOptional(),
});

export const statusChange = z.strictObject({
  /** null: back to what the jobs make of it. */
  dataStatus: z.enum(dataStatuses).nullable(),
  retrievedData: z.array(retrievable).exactOptional(),
});

const jobName = z.enum(["jobs.accounts.sync_balance", "jobs.accounts.sync_statement"]);
export type JobName = z.output<typeof jobName>;

export const action = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("create_account"), settings: newAccount }),
  z.strictObject({ kind: z.literal("add_transaction"), account: id, transaction: newTransaction }),
  z.strictObject({ kind: z.literal("change_transaction"), account: id, transaction: id, change: transactionChange }),
  z.strictObject({ kind: z.literal("remove_transaction"), account: id, transaction: id }),
  z.strictObject({ kind: z.literal("restore_transaction"), account: id, transaction: id }),
  z.strictObject({ kind: z.literal("reissue_transaction"), account: id, transaction: id }),
  z.strictObject({ kind: z.literal("set_consent"), account: id, change: consentChange }),
  z.strictObject({ kind: z.literal("relink"), account: id, announce: z.boolean().default(false) }),
  z.strictObject({ kind: z.literal("unlink"), account: id }),
  z.strictObject({ kind: z.literal("set_realtime"), account: id, settings: realtimeSettings }),
  z.strictObject({ kind: z.literal("set_status"), account: id, change: statusChange }),
  z.strictObject({ kind: z.literal("set_institution"), bankCode: z.string(), down: z.boolean() }),
  z.strictObject({ kind: z.literal("start_job"), account: id, name: jobName }),
  /** Mono refreshed its cache on its own, without a job. */
  z.strictObject({ kind: z.literal("refresh_cache"), account: id }),
  z.strictObject({ kind: z.literal("create_customer"), name: z.string().min(1), email: z.string().min(3) }),
  z.strictObject({
    kind: z.literal("initiate"),
    scope: z.enum(["auth", "reauth"]),
    /** For auth the customer, for reauth the account. */
    customer: id.nullable(),
    account: id.nullable(),
    redirectUrl: z.string().nullable(),
    ref: z.string().nullable(),
    institution: z.string().nullable(),
  }),
  /** What the user chose at the bank: settings of a new account. */
  z.strictObject({
    kind: z.literal("complete_connect"),
    token: id,
    settings: z.record(z.string(), z.unknown()).default({}),
  }),
  z.strictObject({ kind: z.literal("exchange_code"), code: id }),
  z.strictObject({ kind: z.literal("move_clock"), offsetMs: z.int() }),
]);

export type Action = z.output<typeof action>;
export type ActionInput = z.input<typeof action>;
export type NewAccount = z.input<typeof newAccount>;
export type AccountSettings = z.output<typeof newAccount>;
export type NewTransaction = z.input<typeof newTransaction>;
export type TransactionChange = z.input<typeof transactionChange>;
export type ConsentChange = z.input<typeof consentChange>;
export type StatusChange = z.input<typeof statusChange>;
