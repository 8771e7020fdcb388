/**
 * The truth: what the bank itself knows about one account.
 *
 * Rows of day D are drawn from (seed, account, D) alone, so that ten steps of the clock and one jump end in the same
 * ledger. A row is posted when it becomes visible, and its running balance is fixed at that moment: a late row, dated
 * earlier, carries the balance of the day it appeared, as real statements do. Nothing is ever overwritten; each change
 * is a further version, so that any earlier state of the ledger can be read again.
 */
import { randomFor, type Random, type Seed } from "../random.ts";
import { DAY_MS, dayName, dayNumber, startOfDay } from "./lagos.ts";
import { drawMovement, salary, type Movement } from "./movements.ts";

/** A state of the ledger: what was visible at a time, given the first so many revisions. */
export type Point = { time: number; revision: number };

export type LedgerRow = Movement & {
  /** The bank's own name for the row; never leaves the simulator. */
  key: string;
  /** As served: ISO 8601 in UTC. Some banks tell the moment, some a day with a midnight-ish time. */
  date: string;
  balance: bigint | null;
  visibleAt: number;
  /** How many times the row got another id. */
  reissued: number;
  /** The id it was added with, if somebody chose one. */
  chosenId: string | null;
  /** Fields served instead of the true ones: how a malformed row is made. */
  raw: Record<string, unknown> | null;
};

export type LedgerView = {
  /** Newest first: by date, then by order of posting. */
  rows: readonly LedgerRow[];
  /** Kobo. */
  balance: bigint;
};

export type DateStyle = "mixed" | "exact" | "midnight";

export type LedgerOptions = {
  seed: Seed;
  /** The account's ordinal in its world. */
  account: number;
  /** The first day of history, as a day number. */
  fromDay: number;
  perWeek: number;
  /** Share of rows that appear two hours to forty hours after they happened. */
  lateShare: number;
  dateStyle: DateStyle;
};

export type RowFields = Movement & { date: string; balance?: bigint | null };

export type RowChange = Partial<
  Movement & { date: string; balance: bigint | null; raw: Record<string, unknown> | null }
>;

type Draft = Movement & { key: string; date: string; visibleAt: number; showBalance: boolean; chosenId: string | null };

type Version = { at: number; revision: number; row: LedgerRow | null };

type Entry = { key: string; visibleAt: number; order: number; versions: Version[] };

/** Late rows stay well inside an overlap of three days (at least 48 hours): see design.md, coverage. */
export const LATE_HOURS: [number, number] = [2, 40];

export class BankLedger {
  readonly #options: LedgerOptions;
  readonly #opening: bigint;
  #nextDay: number;
  #drafts: { draft: Draft; revision: number; balance: bigint | null | undefined }[] = [];
  #entries = new Map<string, Entry>();
  #balance: bigint;
  #latest: { point: Point; entries: number; view: LedgerView } | null = null;

  constructor(options: LedgerOptions) {
    this.#options = options;
    this.#nextDay = options.fromDay;
    this.#opening = BigInt(randomFor(options.seed, "opening", options.account).int(200_000, 3_000_000)) * 100n;
    this.#balance = this.#opening;
  }

  /** The ledger at a point. @throws never: a point before the first day is an empty ledger. */
  view(point: Point): LedgerView {
    this.#post(point.time);
    const last = this.#latest;
    if (last !== null && samePoint(last.point, point) && last.entries === this.#entries.size) return last.view;
    const visible: { row: LedgerRow; order: number }[] = [];
    let balance = this.#opening;
    for (const entry of this.#entries.values()) {
      const row = rowAt(entry, point);
      if (row === null) continue;
      visible.push({ row, order: entry.order });
      balance += signed(row);
    }
    visible.sort((a, b) => compareText(b.row.date, a.row.date) || b.order - a.order);
    const view = { rows: visible.map(({ row }) => row), balance };
    this.#latest = { point, entries: this.#entries.size, view };
    return view;
  }

  /** Every row that was ever posted until now, with its present version; null for removed ones. */
  posted(at: number): { key: string; row: LedgerRow | null; last: LedgerRow }[] {
    this.#post(at);
    return [...this.#entries.values()].map(({ key, versions }) => {
      const row = versions.at(-1)?.row ?? null;
      return { key, row, last: lastRow(versions) };
    });
  }

  /** @param visibleAt not before `at`: a bank posts now or later, never into the past. */
  add(fields: RowFields, added: { at: number; revision: number; visibleAt: number; id: string | null }): string {
    const { balance, ...movement } = fields;
    const key = `added:${added.revision}`;
    const visibleAt = Math.max(added.at, added.visibleAt);
    this.#drafts.push({
      draft: { ...movement, key, visibleAt, showBalance: true, chosenId: added.id },
      revision: added.revision,
      balance,
    });
    // At once, not at the next read: rows added in one moment keep the order in which they were added.
    this.#post(added.at);
    return key;
  }

  /** The account's balance follows a changed amount; rows already posted keep the balance they were posted with. */
  change(key: string, change: RowChange, at: number, revision: number): void {
    this.#revise(key, at, revision, (row) => (row === null ? null : { ...row, ...change }));
  }

  reissue(key: string, at: number, revision: number): void {
    this.#revise(key, at, revision, (row) =>
      row === null ? null : { ...row, reissued: row.reissued + 1, chosenId: null },
    );
  }

  remove(key: string, at: number, revision: number): void {
    this.#revise(key, at, revision, () => null);
  }

  /** A removed row comes back as it was; one that was never removed stays as it is. */
  restore(key: string, at: number, revision: number): void {
    this.#revise(key, at, revision, (row, last) => row ?? last);
  }

  #revise(
    key: string,
    at: number,
    revision: number,
    next: (row: LedgerRow | null, last: LedgerRow) => LedgerRow | null,
  ): void {
    this.#post(at);
    const entry = this.#entries.get(key);
    if (entry === undefined) throw new RangeError(`no posted row ${key}`);
    const before = entry.versions.at(-1)?.row ?? null;
    const after = next(before, lastRow(entry.versions));
    entry.versions.push({ at, revision, row: after });
    this.#balance += (after === null ? 0n : signed(after)) - (before === null ? 0n : signed(before));
    this.#latest = null;
  }

  /** Posts, in order of appearance, whatever has become visible by `to`. */
  #post(to: number): void {
    for (; this.#nextDay <= dayNumber(to); this.#nextDay += 1) {
      for (const draft of drawDay(this.#options, this.#nextDay)) {
        this.#drafts.push({ draft, revision: 0, balance: undefined });
      }
    }
    const due = this.#drafts.filter(({ draft }) => draft.visibleAt <= to);
    if (due.length === 0) return;
    this.#drafts = this.#drafts.filter(({ draft }) => draft.visibleAt > to);
    due.sort((a, b) => a.draft.visibleAt - b.draft.visibleAt || compareText(a.draft.key, b.draft.key));
    for (const { draft, revision, balance } of due) {
      this.#balance += signed(draft);
      const { showBalance, ...fields } = draft;
      const shown = balance === undefined ? (showBalance ? this.#balance : null) : balance;
      const row: LedgerRow = { ...fields, balance: shown, reissued: 0, raw: null };
      const order = this.#entries.size;
      const { key, visibleAt } = draft;
      this.#entries.set(key, { key, visibleAt, order, versions: [{ at: visibleAt, revision, row }] });
    }
  }
}

function drawDay(options: LedgerOptions, day: number): Draft[] {
  const { seed, account, perWeek } = options;
  if (perWeek === 0) return [];
  const name = dayName(day);
  const random = randomFor(seed, "day", account, day);
  const movements = Array.from({ length: poisson(random, perWeek / 7) }, () => drawMovement(random));
  // Two rows that differ in nothing but their id happen: the same fare twice in a minute.
  const twice = random.chance(0.04) ? movements[0] : undefined;
  if (twice !== undefined) movements.push(twice);
  if (perWeek >= 5 && name.endsWith("-25")) movements.push(salary(randomFor(seed, "salary", account)));
  const moments = movements.map((movement) => (movement === twice ? null : drawMoment(random, day)));
  const shared = drawMoment(random, day);
  return movements.map((movement, index) => {
    const moment = moments[index] ?? shared;
    const late = random.chance(options.lateShare);
    const delay = random.int(LATE_HOURS[0] * 60, LATE_HOURS[1] * 60) * 60_000;
    const midnight = random.chance(0.15);
    const stamp = `${name}T00:${String(random.int(0, 9)).padStart(2, "0")}:00.500Z`;
    const dayOnly = options.dateStyle === "midnight" || (options.dateStyle === "mixed" && midnight);
    return {
      ...movement,
      key: `${day}:${index}`,
      date: dayOnly && movement !== twice ? stamp : new Date(moment).toISOString(),
      visibleAt: late ? moment + delay : moment,
      showBalance: !random.chance(0.06),
      chosenId: null,
    };
  });
}

/** Mostly by day, sometimes a minute from midnight, where a wrong time zone shows. */
function drawMoment(random: Random, day: number): number {
  const start = startOfDay(day);
  const ms = random.int(0, 999);
  if (random.chance(0.04)) return start + random.int(0, 59) * 1_000 + ms;
  if (random.chance(0.04)) return start + DAY_MS - 60_000 + random.int(0, 59) * 1_000 + ms;
  return start + random.int(6 * 3_600, 22 * 3_600) * 1_000 + ms;
}

function poisson(random: Random, mean: number): number {
  // Sums of small Poisson numbers are Poisson; exp(-mean) alone would underflow for very busy accounts.
  if (mean > 20) return poisson(random, 20) + poisson(random, mean - 20);
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > limit; product *= random.next()) count += 1;
  return count;
}

function rowAt(entry: Entry, point: Point): LedgerRow | null {
  if (entry.visibleAt > point.time) return null;
  const version = entry.versions.findLast(({ at, revision }) => at <= point.time && revision <= point.revision);
  return version?.row ?? null;
}

function lastRow(versions: Version[]): LedgerRow {
  const row = versions.findLast((version) => version.row !== null)?.row;
  if (row === undefined || row === null) throw new Error("an entry begins with a row");
  return row;
}

function signed(movement: Movement): bigint {
  return movement.type === "credit" ? movement.amount : -movement.amount;
}

function samePoint(a: Point, b: Point): boolean {
  return a.time === b.time && a.revision === b.revision;
}

/** By code unit: ISO dates in UTC sort as text. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
