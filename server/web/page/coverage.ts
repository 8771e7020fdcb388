import type { Account, SyncState } from "./account_status.ts";

/**
 * complete: settled. open: read, and late postings may still come. missing: days before settled ones that are not known.
 * unread: days after all that was read.
 */
export type Stretch = {
  kind: "complete" | "open" | "missing" | "unread";
  fromDay: string;
  toDay: string;
  days: number;
};

const DAY_MS = 86_400_000;
const number = (day: string): number => Date.parse(day) / DAY_MS;
const day = (n: number): string => new Date(n * DAY_MS).toISOString().slice(0, 10);

/**
 * An account's history from its first day to today, oldest first, without a hole or an overlap. Null for a source that
 * cannot list transactions, and so has no days.
 */
export function stretchesOf(account: Account, state: SyncState, today: string): Stretch[] | null {
  if (state.historyStart === null) return null;
  const first = number(state.historyStart);
  const last = Math.max(number(today), first, ...state.settled.map(({ toDay }) => number(toDay)));
  const lastSettled = state.settled.at(-1);
  const dataAsOf = account.dataAsOf ?? account.lastSyncedAt;
  const read = lastSettled === undefined || dataAsOf === null ? null : number(dataAsOf.slice(0, 10));
  const stretches: Stretch[] = [];
  let at = first;
  const add = (kind: Stretch["kind"], to: number): void => {
    if (to < at) return;
    stretches.push({ kind, fromDay: day(at), toDay: day(to), days: to - at + 1 });
    at = to + 1;
  };
  for (const { fromDay, toDay } of state.settled) {
    add("missing", number(fromDay) - 1);
    add("complete", number(toDay));
  }
  if (read !== null) add("open", Math.min(read, last));
  add("unread", last);
  return stretches;
}
