import { z } from "zod";

/**
 * MTN's replies as far as we read them (MTN MoMo docs; MADAPI: the statement's schema only, its values are documented
 * nowhere). Unknown keys are ignored; amounts are judged by money.ts.
 */

const seconds = z.union([z.int().positive(), z.stringFormat("seconds", /^\d{1,7}$/).transform(Number)]);

/** Of the product ({code, message}), of Azure's gateway ({statusCode, message}), of the token endpoint ({error}). */
export const momoRefusal = z.looseObject({
  code: z.string().nullish(),
  message: z.string().nullish(),
  error: z.string().nullish(),
});

export const tokenReply = z.looseObject({ access_token: z.string().min(1), expires_in: seconds });

export const balanceReply = z.looseObject({
  availableBalance: z.unknown().optional(),
  currency: z.string().regex(/^[A-Z]{3}$/),
});

/** Documented as {code, message}; most clients have seen the bare code. */
const reason = z.union([
  z.string(),
  z.looseObject({ code: z.string().nullish() }).transform(({ code }) => code ?? null),
]);

/** A status result holds neither the reference's id nor any time. */
export const paymentReply = z.looseObject({
  status: z.string(),
  amount: z.unknown().optional(),
  currency: z.string().nullish(),
  payer: z.looseObject({ partyId: z.union([z.string(), z.int()]).nullish() }).nullish(),
  payerMessage: z.string().nullish(),
  payeeNote: z.string().nullish(),
  reason: reason.nullish(),
});

export type Payment = z.infer<typeof paymentReply>;

export const apiKeyReply = z.looseObject({ apiKey: z.string().min(1) });

export const apiUserReply = z.looseObject({
  providerCallbackHost: z.string().nullish(),
  targetEnvironment: z.string().nullish(),
});

const count = z.union([z.int().nonnegative(), z.stringFormat("count", /^\d{1,9}$/).transform(Number)]);

/** MADAPI's wallet statement: every leaf is text, and rows have no id. */
export const statementReply = z.looseObject({
  /** The records of the whole range, on all pages. */
  numRecs: count,
  data: z.array(z.unknown()).nullish(),
});

const leaf = z.string().nullish();

export const statementRow = z.looseObject({
  amount: leaf,
  date: leaf,
  time: leaf,
  date_column: leaf,
  time_column: leaf,
  transaction_status: leaf,
  transaction_type: leaf,
  from_msisdn: leaf,
  from_username: leaf,
  to_msisdn: leaf,
  to_username: leaf,
  fee: leaf,
  balance_before: leaf,
  balance_after: leaf,
});

export type StatementRow = z.infer<typeof statementRow>;

export const statementRefusal = z.looseObject({
  statusCode: z.union([z.string(), z.int().transform(String)]).nullish(),
  statusMessage: z.string().nullish(),
  error: z.string().nullish(),
});
