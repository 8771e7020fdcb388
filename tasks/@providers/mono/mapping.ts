import { dayIn, parseInstant } from "../../@sync/days.ts";
import { fromMinorUnits } from "../../@sync/money.ts";
import type { RefusalReason } from "../../@sync/platform.ts";
import type { MappedRow } from "../../@sync/read_window.ts";
import { storedText } from "../../@sync/stored_text.ts";
import { transactionRow } from "./schemas.ts";

/** The days of Mono: its banks are in Nigeria, which knows no summer time. */
export const MONO_ZONE = "Africa/Lagos";

/** One row of Mono's, exact, or the reason why it cannot be. Rows carry no currency of their own as a rule. */
export function mapMonoRow(row: unknown, accountCurrency: string): MappedRow {
  const parsed = transactionRow.safeParse(row);
  if (!parsed.success) return refuse("invalid_row", idIn(row));
  const { data } = parsed;
  const id = idIn(data);
  if (id === null) return refuse("missing_id", null);

  const currency = data.currency?.trim().toUpperCase() || accountCurrency;
  const amount = fromMinorUnits(data.amount, currency);
  if (!amount.ok || amount.amount.startsWith("-")) return refuse("inexact_amount", id);

  const direction = data.type?.trim().toLowerCase();
  if (direction !== "credit" && direction !== "debit") return refuse("invalid_direction", id);

  const occurredAt = parseInstant(data.date?.trim() ?? "");
  if (occurredAt === null) return refuse("invalid_date", id);

  // A balance is a comment on the row: an unusable one leaves the payment itself as good as it was.
  const balance = fromMinorUnits(data.balance, currency);
  const category = storedText(data.category);
  return {
    ok: true,
    transaction: {
      id,
      status: "posted", // Mono lists booked rows only; no flag for pending ones is documented.
      direction,
      amount: amount.amount,
      currency,
      occurredAt,
      occurredOn: dayIn(MONO_ZONE, occurredAt),
      narration: storedText(data.narration),
      category: category?.toLowerCase() === "unknown" ? null : category,
      balanceAfter: balance.ok ? balance.amount : null,
      counterparty: null,
    },
  };
}

function refuse(refused: RefusalReason, id: string | null): MappedRow {
  return { ok: false, refused, id };
}

function idIn(row: unknown): string | null {
  if (typeof row !== "object" || row === null) return null;
  const found = ("id" in row ? row.id : null) ?? ("_id" in row ? row._id : null);
  const id = typeof found === "number" ? String(found) : found;
  return typeof id === "string" && id.trim() !== "" ? storedText(id.trim()) : null;
}
