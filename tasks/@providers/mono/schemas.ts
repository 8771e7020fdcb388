import { z } from "zod";

/**
 * Mono's replies as far as we read them (Mono docs, v2). Unknown keys are ignored. Where replies and webhooks spell a
 * key differently, or only third parties have seen a field missing, both forms are accepted.
 */

/** Counters come as JSON integers; the examples of one client show them as text. */
const counter = z.union([z.int().nonnegative(), z.stringFormat("counter", /^\d{1,9}$/).transform(Number)]);

/** Failures have `data: null` and a message; successes of v2 too have a message. Seen absent on gateway errors. */
export const envelope = z.looseObject({
  status: z.string().nullish(),
  message: z.string().nullish(),
});

/**
 * `next` is a URL that works for nobody: it lacks `/accounts/` and drops the filters (visible in every sample of the
 * docs). Only its page number is of use.
 */
const pageMeta = z.looseObject({
  total: counter.nullish(),
  page: counter.nullish(),
  next: z.string().nullish(),
});

export const transactionsReply = z.looseObject({
  message: z.string().nullish(),
  /** Rows are judged one by one, so that a bad one costs itself only. Null while a refresh is enqueued. */
  data: z.array(z.unknown()).nullable(),
  meta: pageMeta.nullish(),
});

export const transactionRow = z.looseObject({
  id: z.union([z.string(), z.int()]).nullish(),
  _id: z.union([z.string(), z.int()]).nullish(),
  narration: z.string().nullish(),
  /** Minor units. Judged by money.ts, which refuses instead of failing the page. */
  amount: z.unknown().optional(),
  type: z.string().nullish(),
  balance: z.unknown().optional(),
  date: z.string().nullish(),
  category: z.string().nullish(),
  currency: z.string().nullish(),
});

const DATA_STATUSES = ["AVAILABLE", "PARTIAL", "UNAVAILABLE", "FAILED", "PROCESSING"] as const;

/** A status that Mono may add later tells nothing about the data, which is what UNAVAILABLE says too. */
const dataStatus = z
  .string()
  .transform((text) => DATA_STATUSES.find((known) => known === text.toUpperCase()) ?? "UNAVAILABLE");

export const accountReply = z.looseObject({
  message: z.string().nullish(),
  data: z.looseObject({
    account: z.looseObject({
      currency: z.string().nullish(),
      balance: z.unknown().optional(),
    }),
    meta: z.looseObject({
      data_status: dataStatus,
      retrieved_data: z.array(z.string()).nullish(),
      /** Documented in webhooks only. */
      sync_status: z.string().nullish(),
    }),
  }),
});

/** What is of use for linking: with anything missing, the account can be linked all the same. */
export const linkReply = z.looseObject({
  data: z.looseObject({
    account: z.looseObject({
      currency: z.string().nullish(),
      account_number: z.string().nullish(),
      type: z.string().nullish(),
      institution: z.looseObject({ name: z.string().nullish(), bank_code: z.string().nullish() }).nullish(),
    }),
    customer: z.looseObject({ id: z.string().nullish() }).nullish(),
  }),
});

export const jobReply = z.looseObject({
  message: z.string().nullish(),
  data: z.looseObject({
    status: z.string(),
    sync_status: z.string().nullish(),
  }),
});

/** Session of Mono Connect, for a new link or for re-authorisation. People are sent there, so it is a web page or nothing. */
export const sessionReply = z.looseObject({ data: z.looseObject({ mono_url: z.url({ protocol: /^https?$/ }) }) });

/** v2 answers `data.id`; the docs' sample still shows a bare `id`. */
export const exchangeReply = z.union([
  z.looseObject({ data: z.looseObject({ id: z.string().min(1) }) }).transform((reply) => reply.data.id),
  z.looseObject({ id: z.string().min(1) }).transform((reply) => reply.id),
]);

export type DataStatus = z.infer<typeof dataStatus>;
