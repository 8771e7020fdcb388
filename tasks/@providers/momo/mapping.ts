import { dayIn } from "../../@sync/days.ts";
import { fromDecimal } from "../../@sync/money.ts";
import type { IncomingTransaction, OpenReference, RefusalReason } from "../../@sync/platform.ts";
import type { MappedRow } from "../../@sync/read_window.ts";
import { storedText } from "../../@sync/stored_text.ts";
import type { Payment } from "./schemas.ts";

/**
 * A word of MTN's for how a payment stands. PENDING and CREATED are on their way, and a word that MTN may add later is
 * no end either: it is asked about again.
 */
export function paymentStatus(status: string): IncomingTransaction["status"] {
  switch (status.trim().toUpperCase()) {
    case "SUCCESSFUL":
      return "posted";
    case "FAILED":
      return "failed";
    default:
      return "pending";
  }
}

/**
 * A tracked request and what became of it. Its result holds no id and no time (MTN docs), so both are ours: the
 * reference, and the moment at which the request was made.
 *
 * Both operations collect: what the payer pays, and what a customer withdraws as cash at the owner's counter, arrives
 * in this wallet.
 */
export function mapPayment(reference: OpenReference, payment: Payment, zone: string): MappedRow {
  const currency = payment.currency?.trim().toUpperCase() ?? "";
  // MTN rewrites amounts ("12.50" comes back as "12.5", measured by third parties): fromDecimal writes them one way.
  const amount = fromDecimal(payment.amount, currency);
  if (!amount.ok || amount.amount.startsWith("-")) return refuse("inexact_amount", reference.referenceId);
  return {
    ok: true,
    transaction: {
      id: reference.referenceId,
      status: paymentStatus(payment.status),
      direction: "credit",
      amount: amount.amount,
      currency,
      occurredAt: new Date(reference.requestedAt).toISOString(),
      occurredOn: dayIn(zone, reference.requestedAt),
      // payeeNote is written for the owner of this wallet, payerMessage for the other side.
      narration: storedText(payment.payeeNote) ?? storedText(payment.payerMessage),
      category: null,
      balanceAfter: null,
      counterparty: storedText(payment.payer?.partyId?.toString()),
    },
  };
}

function refuse(refused: RefusalReason, id: string): MappedRow {
  return { ok: false, refused, id };
}
