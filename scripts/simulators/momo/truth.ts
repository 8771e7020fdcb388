/** The oracle: what is really so, in full, for whoever checks a copy against it. */
import { formatAmount } from "./amount.ts";
import { localDay } from "./environment.ts";
import { type StatementRecord, statementRecord } from "./madapi.ts";
import { currentStep, financialTransactionId, outcome } from "./payment.ts";
import { exactly, type Payment, type Wallet } from "./state.ts";
import { allVisibleRows, balanceAt, type StatementRow } from "./statement.ts";
import type { World } from "./world.ts";

export type TruePayment = {
  referenceId: string;
  platform: string;
  operation: "requesttopay" | "requesttowithdraw";
  /** Normalised decimal, as MTN echoes it. */
  amount: string;
  currency: string;
  externalId: string;
  payer: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  status: string;
  reason: string | null;
  /** How it ends if nobody interferes; the current status when it never ends. */
  finalStatus: string;
  /** ISO 8601, null when it never ends. */
  finalAt: string | null;
  financialTransactionId: string | null;
};

export type TrueRow = {
  /** For control actions. The provider's rows carry no id. */
  rowId: string;
  occurredAt: string;
  /** The day in the wallet's country. */
  day: string;
  visibleAt: string;
  direction: "credit" | "debit";
  amount: string;
  fee: string;
  status: string;
  balanceAfter: string;
  /** Exactly as the statement shows it. */
  record: StatementRecord;
};

export type Truth = {
  apiUser: string;
  msisdn: string;
  currency: string;
  balance: string;
  payments: TruePayment[];
  /** What the statement shows now, newest first. */
  statementRows: TrueRow[];
};

export function truthOf(world: World, wallet: Wallet): Truth {
  const now = world.clock.now();
  return {
    apiUser: wallet.apiUser,
    msisdn: wallet.msisdn,
    currency: wallet.currency,
    balance: formatAmount(balanceAt(world.ledger, wallet, now)),
    payments: wallet.payments.map((payment) => truePayment(world, payment, now)),
    statementRows: allVisibleRows(world.ledger, wallet, now).map((row) => trueRow(wallet, row)),
  };
}

export function truePayment(world: World, payment: Payment, now: number): TruePayment {
  const { status, reason } = currentStep(payment, now);
  const { step, at } = outcome(payment);
  return {
    referenceId: payment.reference,
    platform: payment.platform,
    operation: payment.operation,
    amount: formatAmount(payment.amount),
    currency: payment.currency,
    externalId: payment.externalId,
    payer: payment.payerId,
    createdAt: new Date(payment.createdAt).toISOString(),
    status,
    reason: reason ?? null,
    finalStatus: step.status,
    finalAt: at === null ? null : new Date(at).toISOString(),
    financialTransactionId: status === "SUCCESSFUL" ? financialTransactionId(world.seed, payment) : null,
  };
}

export function trueRow(wallet: Wallet, row: StatementRow): TrueRow {
  return {
    rowId: row.rowId,
    occurredAt: new Date(row.occurredAt).toISOString(),
    day: localDay(wallet.environment, row.occurredAt),
    visibleAt: new Date(row.visibleAt).toISOString(),
    direction: row.fields.direction,
    amount: formatAmount(exactly(row.fields.amount)),
    fee: formatAmount(exactly(row.fields.fee)),
    status: row.fields.status,
    balanceAfter: formatAmount(row.balanceAfter),
    record: statementRecord(wallet, row),
  };
}
