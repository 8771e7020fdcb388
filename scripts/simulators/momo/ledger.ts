/**
 * The invented everyday life of a wallet: the statement rows of a day, drawn from the seed, the wallet and the day
 * alone. Whoever reads, in whatever order, and whatever control actions happen, the rows of that day are the same.
 *
 * Running balances need the days before. So that no day has to be summed up, every day that has rows ends on a level
 * of its own (also drawn from seed, wallet and day), and its last row closes the difference. Levels stay within
 * [0, span], so a wallet never drifts away, however many years pass.
 */
import { randomFor, type Random, type Seed } from "../random.ts";
import { formatAmount, type Micros, ONE } from "./amount.ts";
import { addDays, dayStart, environment, localDay } from "./environment.ts";
import type { RowFields } from "./events.ts";
import { exactly, type Wallet } from "./state.ts";

export type InventedRow = {
  rowId: string;
  occurredAt: number;
  /** When the statement begins to show it: mostly at once, for some rows hours or two days later. */
  visibleAt: number;
  fields: RowFields;
  /** The level before and after it, to which the wallet's own base is added. */
  levelBefore: Micros;
  levelAfter: Micros;
};

/** No row shows up later than this after it happened. */
export const LATEST_POSTING_MS = 48 * 3_600_000;

const QUIET_DAY = 0.3;
/** The first row of a day is never before 06:00, the last never after 22:59. */
const OPENS = 6 * 3_600_000;
const LAST_DRAWN = 16 * 3_600_000;

const NAMES = [
  "Ama Mensah",
  "Kofi Owusu",
  "Grace Namutebi",
  "Jean Habimana",
  "Awa Koné",
  "Thabo Dlamini",
  "Chipo Banda",
];

export type Ledger = {
  /** The invented rows of one local day, oldest first. */
  rowsOf(wallet: Wallet, day: string): InventedRow[];
  /** The wallet's level at a moment: where the last invented row up to and including it left it. */
  levelAt(wallet: Wallet, at: number): Micros;
};

/** Per wallet; more than five years. */
const CACHED_DAYS = 2_000;

/** The ledger of one seed, with the days that were asked for kept at hand for as long as their wallet lives. */
export function ledgerFor(seed: Seed): Ledger {
  const cache = new WeakMap<Wallet, Map<string, InventedRow[]>>();
  const rowsOf = (wallet: Wallet, day: string): InventedRow[] => {
    const days = cache.get(wallet) ?? new Map<string, InventedRow[]>();
    cache.set(wallet, days);
    const known = days.get(day);
    if (known !== undefined) return known;
    if (days.size >= CACHED_DAYS) days.clear();
    const rows = inventRows(seed, wallet, day);
    days.set(day, rows);
    return rows;
  };
  return {
    rowsOf,
    levelAt(wallet, at) {
      const day = localDay(wallet.environment, at);
      const last = rowsOf(wallet, day).findLast((row) => row.occurredAt <= at);
      return last?.levelAfter ?? levelBefore(seed, wallet, day);
    },
  };
}

function inventRows(seed: Seed, wallet: Wallet, day: string): InventedRow[] {
  if (wallet.history === null || day < wallet.history.from || isQuiet(seed, wallet, day)) return [];
  const random = randomFor(seed, "momo day", wallet.msisdn, day);
  const { prefix } = environment(wallet.environment);
  const unit = unitOf(wallet);
  const start = dayStart(wallet.environment, day) + OPENS;
  const count = random.int(1, wallet.history.rowsPerDay * 2 - 1);
  const moments = Array.from({ length: count }, () => start + Math.floor(random.next() * (LAST_DRAWN / 1000)) * 1000);
  moments.sort((a, b) => a - b);

  const rows: InventedRow[] = [];
  let level = levelBefore(seed, wallet, day);
  const add = (occurredAt: number, fields: RowFields, delta: Micros): void => {
    const rowId = `${day}#${rows.length + 1}`;
    const visibleAt = occurredAt + (random.chance(0.08) ? random.int(3_600_000, LATEST_POSTING_MS) : 0);
    rows.push({ rowId, occurredAt, visibleAt, fields, levelBefore: level, levelAfter: level + delta });
    level += delta;
  };
  for (const moment of moments) {
    const drawn = drawFields(random, prefix, unit, mostOf(wallet));
    const delta = rowDelta(drawn);
    add(moment, drawn, delta);
    // A double tap: the same second, the same party, the same amount. Only the balance tells them apart, and for a
    // payment that failed not even that.
    if (random.chance(drawn.status === "Failed" ? 0.3 : 0.04)) add(moment, drawn, delta);
  }
  const rest = levelAfter(seed, wallet, day) - level;
  if (rest !== 0n) {
    const size = rest < 0n ? -rest : rest;
    const closing = { direction: rest < 0n ? "debit" : "credit", type: rest < 0n ? "Cash Out" : "Cash In" } as const;
    const party = counterparty(random, prefix);
    add(
      start + LAST_DRAWN + random.int(0, 3_599) * 1000,
      { ...closing, ...party, amount: formatAmount(size), fee: "0", status: "Successful" },
      rest,
    );
  }
  return rows;
}

/** What a row did to the balance. */
export function rowDelta(fields: RowFields): Micros {
  if (fields.status !== "Successful") return 0n;
  return fields.direction === "credit" ? exactly(fields.amount) : -(exactly(fields.amount) + exactly(fields.fee));
}

function drawFields(random: Random, prefix: string, unit: Micros, most: Micros): RowFields {
  const direction = random.chance(0.5) ? "credit" : "debit";
  const amount = BigInt(random.int(1, Number(most / unit))) * unit;
  const hasFee = direction === "debit" && random.chance(0.5);
  return {
    direction,
    amount: formatAmount(amount),
    fee: formatAmount(hasFee ? (amount / 100n / unit) * unit : 0n),
    status: random.chance(0.06) ? "Failed" : "Successful",
    type: random.pick(
      direction === "credit" ? ["Transfer", "Payment", "Cash In"] : ["Transfer", "Airtime", "Cash Out"],
    ),
    ...counterparty(random, prefix),
  };
}

function counterparty(random: Random, prefix: string): { counterpartyMsisdn: string; counterpartyName: string } {
  return {
    counterpartyMsisdn: `${prefix}7${random.int(10_000_000, 99_999_999)}`,
    counterpartyName: random.pick(NAMES),
  };
}

function isQuiet(seed: Seed, wallet: Wallet, day: string): boolean {
  return randomFor(seed, "momo quiet day", wallet.msisdn, day).chance(QUIET_DAY);
}

/** The level on which the last day with rows up to and including this one ended. */
function levelAfter(seed: Seed, wallet: Wallet, day: string): Micros {
  const from = wallet.history?.from;
  if (from === undefined) return 0n;
  for (let candidate = day; candidate >= from; candidate = addDays(candidate, -1)) {
    if (isQuiet(seed, wallet, candidate)) continue;
    const unit = unitOf(wallet);
    return BigInt(randomFor(seed, "momo level", wallet.msisdn, candidate).int(0, Number(spanOf(wallet) / unit))) * unit;
  }
  return 0n;
}

function levelBefore(seed: Seed, wallet: Wallet, day: string): Micros {
  return levelAfter(seed, wallet, addDays(day, -1));
}

/** Half of what the wallet began with, within reason: so its balance stays above zero in all its history. */
function spanOf(wallet: Wallet): Micros {
  const half = wallet.openingBalance / 2n;
  const least = 1_000n * ONE;
  const most = 500_000n * ONE;
  return half < least ? least : half > most ? most : half;
}

/** The largest drawn amount: so small that even a day of nothing but payments stays within one span. */
function mostOf(wallet: Wallet): Micros {
  const most = spanOf(wallet) / BigInt(2 * (wallet.history?.rowsPerDay ?? 1));
  return most < unitOf(wallet) ? unitOf(wallet) : most;
}

function unitOf(wallet: Wallet): Micros {
  return environment(wallet.environment).decimals === 0 ? ONE : ONE / 100n;
}
