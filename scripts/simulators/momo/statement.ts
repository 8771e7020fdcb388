/**
 * A wallet's statement and balance at a moment: the invented rows, the payments that succeeded, and what the control
 * endpoint posted, changed or removed.
 *
 * A ledger does not rewrite itself. A row keeps the balance that it was posted with: one posted late carries the
 * balance of the moment of posting, not of the day on which it says it happened. Changing or removing a row moves the
 * balance at the moment of the correction, so that the balance always equals what all corrected rows add up to.
 */
import { formatAmount, type Micros } from "./amount.ts";
import { addDays, isDay, localDay } from "./environment.ts";
import type { RowChange, RowFields } from "./events.ts";
import { type Ledger, rowDelta } from "./ledger.ts";
import { moneyMovesAt } from "./payment.ts";
import { dropUndefined } from "./settings.ts";
import type { Payment, Wallet } from "./state.ts";

export type StatementRow = {
  /** Ours, for control actions; MTN's rows carry no id. */
  rowId: string;
  occurredAt: number;
  visibleAt: number;
  fields: RowFields;
  balanceBefore: Micros;
  balanceAfter: Micros;
};

/** Local days, both ends included. */
export type DayRange = { from: string; to: string };

export function balanceAt(ledger: Ledger, wallet: Wallet, now: number): Micros {
  const moved = movements(ledger, wallet, now).reduce((sum, movement) => sum + movement.delta, 0n);
  return base(ledger, wallet) + ledger.levelAt(wallet, now) + moved;
}

/** The rows that the statement shows at `now`, newest first as a wallet's history is read. */
export function visibleRows(ledger: Ledger, wallet: Wallet, now: number, range: DayRange): StatementRow[] {
  const corrected = correctionsBy(wallet, now);
  const inRange = (at: number): boolean => {
    const day = localDay(wallet.environment, at);
    return day >= range.from && day <= range.to;
  };
  const rows = [...inventedIn(ledger, wallet, now, range), ...recordedRows(ledger, wallet, now)];
  return rows
    .filter((row) => row.visibleAt <= now && inRange(row.occurredAt))
    .flatMap((row) => {
      const fields = correct(row.fields, corrected.get(row.rowId) ?? []);
      if (fields === null) return [];
      return [{ ...row, fields, balanceAfter: row.balanceBefore + rowDelta(fields) }];
    })
    .toSorted((a, b) => a.occurredAt - b.occurredAt)
    .toReversed();
}

/** All that the statement shows at `now`. */
export function allVisibleRows(ledger: Ledger, wallet: Wallet, now: number): StatementRow[] {
  return visibleRows(ledger, wallet, now, { from: firstDay(wallet), to: localDay(wallet.environment, now) });
}

function firstDay(wallet: Wallet): string {
  const earliestPosted = Math.min(wallet.createdAt, ...wallet.postedRows.map((row) => row.occurredAt));
  const posted = localDay(wallet.environment, earliestPosted);
  const invented = wallet.history?.from ?? posted;
  return invented < posted ? invented : posted;
}

/** What must be added to every level so that the wallet held its opening balance when it was created. */
function base(ledger: Ledger, wallet: Wallet): Micros {
  return wallet.openingBalance - ledger.levelAt(wallet, wallet.createdAt);
}

type Movement = {
  at: number;
  delta: Micros;
  /** The row that it shows as, null for a correction. */
  row: Recorded | null;
};

type Recorded = { rowId: string; occurredAt: number; fields: RowFields };

/** What moved the balance besides the invented rows, up to `now`, in order. */
function movements(ledger: Ledger, wallet: Wallet, now: number): Movement[] {
  const recorded: Movement[] = [
    ...wallet.payments.flatMap((payment) => {
      const at = moneyMovesAt(payment);
      return at === null ? [] : [recordedMovement(at, paymentRow(payment, at))];
    }),
    ...wallet.postedRows.map((row) => recordedMovement(row.postedAt, row)),
  ];
  const rows = new Map(recorded.flatMap(({ row }) => (row === null ? [] : [[row.rowId, row.fields] as const])));
  /** After the corrections so far; null: removed. */
  const current = new Map<string, RowFields | null>();
  const corrections = wallet.corrections.map(({ rowId, at, fields }): Movement => {
    const original = rows.get(rowId) ?? inventedFields(ledger, wallet, rowId);
    const before = current.has(rowId) ? (current.get(rowId) ?? null) : original;
    const after = before === null || fields === null ? null : { ...before, ...dropUndefined(fields) };
    current.set(rowId, after);
    const delta = (after === null ? 0n : rowDelta(after)) - (before === null ? 0n : rowDelta(before));
    return { at, delta, row: null };
  });
  return [...recorded, ...corrections].filter(({ at }) => at <= now).toSorted((a, b) => a.at - b.at);
}

const recordedMovement = (at: number, row: Recorded): Movement => ({ at, delta: rowDelta(row.fields), row });

/** Collected money comes in, whether the payer paid or withdrew cash through this wallet. */
function paymentRow(payment: Payment, at: number): Recorded {
  return {
    rowId: `payment ${payment.platform} ${payment.reference}`,
    occurredAt: at,
    fields: {
      direction: "credit",
      amount: formatAmount(payment.amount),
      fee: "0",
      status: "Successful",
      type: payment.operation === "requesttopay" ? "Payment" : "Cash Out",
      counterpartyMsisdn: payment.payerId,
      counterpartyName: "",
    },
  };
}

function recordedRows(ledger: Ledger, wallet: Wallet, now: number): StatementRow[] {
  let moved = base(ledger, wallet);
  return movements(ledger, wallet, now).flatMap(({ at, delta, row }) => {
    const balanceBefore = moved + ledger.levelAt(wallet, at);
    moved += delta;
    return row === null ? [] : [{ ...row, visibleAt: at, balanceBefore, balanceAfter: balanceBefore + delta }];
  });
}

function inventedIn(ledger: Ledger, wallet: Wallet, now: number, range: DayRange): StatementRow[] {
  if (wallet.history === null) return [];
  const zero = base(ledger, wallet);
  const moved = movements(ledger, wallet, now);
  const rows: StatementRow[] = [];
  const from = range.from < wallet.history.from ? wallet.history.from : range.from;
  const today = localDay(wallet.environment, now);
  const to = range.to > today ? today : range.to;
  let passed = 0;
  let sum = 0n;
  for (let day = from; day <= to; day = addDays(day, 1)) {
    for (const row of ledger.rowsOf(wallet, day)) {
      if (row.occurredAt > now) continue;
      for (let next = moved[passed]; next !== undefined && next.at < row.occurredAt; next = moved[passed]) {
        sum += next.delta;
        passed += 1;
      }
      const { rowId, occurredAt, visibleAt, fields } = row;
      const balanceBefore = zero + sum + row.levelBefore;
      rows.push({ rowId, occurredAt, visibleAt, fields, balanceBefore, balanceAfter: zero + sum + row.levelAfter });
    }
  }
  return rows;
}

/** An invented row's own fields by its id, `YYYY-MM-DD#n`, or null. */
function inventedFields(ledger: Ledger, wallet: Wallet, rowId: string): RowFields | null {
  const day = rowId.slice(0, 10);
  if (!isDay(day)) return null;
  return ledger.rowsOf(wallet, day).find((row) => row.rowId === rowId)?.fields ?? null;
}

function correctionsBy(wallet: Wallet, now: number): Map<string, (RowChange | null)[]> {
  const inForce = wallet.corrections.filter(({ at }) => at <= now);
  return new Map([...Map.groupBy(inForce, ({ rowId }) => rowId)].map(([id, list]) => [id, list.map((c) => c.fields)]));
}

function correct(fields: RowFields, corrections: (RowChange | null)[]): RowFields | null {
  const current = { ...fields };
  for (const change of corrections) {
    if (change === null) return null;
    Object.assign(current, dropUndefined(change));
  }
  return current;
}
