import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import type { Truth } from "../simulators/mono/control.ts";
import type { Truth as WalletTruth } from "../simulators/momo/truth.ts";

/** Days to compare, YYYY-MM-DD: all from one on, or those that fit. */
export type Days = string | ((day: string) => boolean);

/** Where the table and the provider's truth differ, by provider transaction id or by fingerprint. */
export type Differences = { missing: string[]; duplicated: string[]; different: string[] };

export const noDifferences = (found: Differences): boolean =>
  found.missing.length + found.duplicated.length + found.different.length === 0;

const storedRow = z.object({
  provider_transaction_id: z.string(),
  status: z.string(),
  direction: z.string(),
  amount: z.string(),
  currency: z.string(),
  occurred_at: z.string(),
  occurred_on: z.string(),
  narration: z.string().nullable(),
  provider_category: z.string().nullable(),
  balance_after: z.string().nullable(),
});

const readStored = async (db: Queryable, accountId: string, source: string) => {
  const { rows } = await db.query(
    `select provider_transaction_id, status::text, direction::text, trim_scale(amount)::text as amount, currency,
       to_char(occurred_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at, occurred_on::text,
       narration, provider_category, trim_scale(balance_after)::text as balance_after
     from app_public.transactions
     where account_id = $1 and source = $2::app_public.transaction_source`,
    [accountId, source],
  );
  return z.array(storedRow).parse(rows);
};

/**
 * Compares a bank account with its simulator's ledger. Written without our own mapping, so that a mistake there cannot
 * hide itself. Rows that the ledger no longer has must be marked removed.
 *
 * @param days those that were asked for
 */
export async function compareBank(db: Queryable, accountId: string, truth: Truth, days: Days): Promise<Differences> {
  const expected = new Map(
    truth.transactions
      .filter((row) => isAmong(days, row.day))
      .map((row) => [
        row.id,
        JSON.stringify({
          provider_transaction_id: row.id,
          status: "posted",
          direction: row.type,
          amount: kobo(row.amount),
          currency: truth.currency,
          occurred_at: row.date,
          occurred_on: row.day,
          narration: row.narration,
          provider_category: row.category === "unknown" ? null : row.category,
          balance_after: row.balance === null ? null : kobo(row.balance),
        }),
      ]),
  );
  const stored = await readStored(db, accountId, "mono");
  return compare(
    expected,
    stored.filter((row) => row.status !== "removed" && isAmong(days, row.occurred_on)),
  );
}

/** Compares a wallet's tracked references with what the simulator knows of them. */
export async function compareReferences(db: Queryable, accountId: string, truth: WalletTruth): Promise<Differences> {
  const words: Record<string, string> = { SUCCESSFUL: "posted", FAILED: "failed" };
  const expected = new Map(
    truth.payments.map((payment) => [
      payment.referenceId,
      JSON.stringify({
        id: payment.referenceId,
        status: words[payment.status] ?? "pending",
        amount: payment.amount,
        currency: payment.currency,
      }),
    ]),
  );
  const stored = await readStored(db, accountId, "collections");
  return compareBy(
    expected,
    stored.map((row) => [
      row.provider_transaction_id,
      JSON.stringify({
        id: row.provider_transaction_id,
        status: row.status,
        amount: row.amount,
        currency: row.currency,
      }),
    ]),
  );
}

/** Compares a wallet's statement. Its rows have no ids, so they are compared as a bag of days, amounts and balances. */
export async function compareStatement(
  db: Queryable,
  accountId: string,
  truth: WalletTruth,
  days: Days,
): Promise<Differences> {
  const counted = (keys: string[]): Map<string, number> => {
    const counts = new Map<string, number>();
    for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1);
    return counts;
  };
  const plain = (decimal: string | null): string =>
    decimal === null ? "" : decimal.includes(".") ? decimal.replace(/\.?0+$/, "") : decimal;
  const expected = counted(
    truth.statementRows
      .filter((row) => isAmong(days, row.day))
      .map((row) => [row.day, row.direction, plain(row.amount), plain(row.balanceAfter)].join(" ")),
  );
  const stored = await readStored(db, accountId, "statement");
  const found = counted(
    stored
      .filter((row) => row.status !== "removed" && isAmong(days, row.occurred_on))
      .map((row) => [row.occurred_on, row.direction, plain(row.amount), plain(row.balance_after)].join(" ")),
  );
  const differences: Differences = { missing: [], duplicated: [], different: [] };
  for (const [key, count] of expected) if ((found.get(key) ?? 0) < count) differences.missing.push(key);
  for (const [key, count] of found) if ((expected.get(key) ?? 0) < count) differences.duplicated.push(key);
  return differences;
}

const isAmong = (days: Days, day: string): boolean => (typeof days === "string" ? day >= days : days(day));

const kobo = (amount: bigint): string => {
  const sign = amount < 0n ? "-" : "";
  const digits = (amount < 0n ? -amount : amount).toString().padStart(3, "0");
  const decimal = `${sign}${digits.slice(0, -2)}.${digits.slice(-2)}`;
  return decimal.replace(/\.?0+$/, "");
};

const compare = (expected: Map<string, string>, stored: z.infer<typeof storedRow>[]): Differences =>
  compareBy(
    expected,
    stored.map((row) => [row.provider_transaction_id, JSON.stringify(row)]),
  );

function compareBy(expected: Map<string, string>, stored: [string, string][]): Differences {
  const differences: Differences = { missing: [], duplicated: [], different: [] };
  const seen = new Set<string>();
  for (const [id, row] of stored) {
    const wanted = expected.get(id);
    // A row that the provider does not have stands beside the one it became.
    if (wanted === undefined || seen.has(id)) differences.duplicated.push(id);
    else if (wanted !== row) differences.different.push(`${id}: expected ${wanted}, found ${row}`);
    seen.add(id);
  }
  for (const id of expected.keys()) if (!seen.has(id)) differences.missing.push(id);
  return differences;
}
