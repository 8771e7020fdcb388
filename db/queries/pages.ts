import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { compositeRow } from "./composite.ts";
import { rows } from "./rows.ts";
import type { Lease } from "./runs.ts";

/** A transaction as save_page takes it: app_private.incoming_transaction. Money is a decimal string. */
export type IncomingRow = {
  id: string;
  status: "pending" | "posted" | "failed";
  direction: "credit" | "debit";
  amount: string;
  currency: string;
  occurredAt: string;
  occurredOn: string;
  narration: string | null;
  category: string | null;
  balanceAfter: string | null;
  counterparty: string | null;
};

/** As the type has them. */
export const incomingColumns = [
  "id",
  "status",
  "direction",
  "amount",
  "currency",
  "occurredAt",
  "occurredOn",
  "narration",
  "category",
  "balanceAfter",
  "counterparty",
] as const satisfies (keyof IncomingRow)[];

export type SavedPage = Lease & {
  source: "mono" | "collections" | "statement";
  page: number;
  /** The window's days, both included; null for a source without windows. */
  from: string | null;
  to: string | null;
  rows: IncomingRow[];
  complete: { ids: string[]; settles: boolean; asOf: string } | null;
  polled?: { referenceId: string; outcome: "open" | "settled" | "unknown" }[];
};

const saved = z.object({
  outcome: z.enum(["ok", "lost"]),
  new_count: z.number(),
  changed_count: z.number(),
  unchanged_count: z.number(),
  removed_count: z.number(),
  /** Ids to hand in again with the window's last page: db/functions/save_page.sql, Deferral. */
  deferred: z.array(z.string()),
});
export type Saved = z.infer<typeof saved>;

/** Saves pages, each under its own lease; answers in the order given. */
export const saveTransactions = (db: Queryable, pages: SavedPage[]): Promise<Saved[]> =>
  rows(db, saved, "select * from app_private.save_transactions($1, $2)", savedArguments(pages));

/**
 * The arguments of save_transactions: the pages, and all of their rows one after the other. As JSON, a page of rows takes
 * Postgres three times as long to read (ARCHITECTURE.md, decisions).
 */
export function savedArguments(pages: readonly SavedPage[]): [pages: string, rows: string[]] {
  const all: string[] = [];
  const ranges = pages.map(({ rows: own, ...page }) => {
    const rowsFrom = all.length + 1;
    for (const row of own) all.push(compositeRow(incomingColumns.map((column) => row[column])));
    return { ...page, rowsFrom, rowsTo: all.length };
  });
  return [JSON.stringify(ranges), all];
}
