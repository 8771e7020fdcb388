/** `GET /v2/accounts/{id}/transactions`: the cached statement in pages, with Mono's habits. */
import type { LinkedAccount } from "./accounts.ts";
import { transactionId } from "./accounts.ts";
import type { Meta } from "./envelopes.ts";
import { BadRequest } from "./errors.ts";
import { parseMonoDay, startOfDay } from "./lagos.ts";
import type { LedgerRow } from "./ledger.ts";
import type { Seed } from "../random.ts";

/** Mono documents neither; 100 is what clients use, and more is cut without a word. */
export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 100;

export type TransactionQuery = {
  /** Moments as text, the first included, the second not; null where the query leaves an end open. */
  from: string | null;
  before: string | null;
  type: "debit" | "credit" | null;
  narration: string | null;
  paginate: boolean;
  page: number;
  limit: number;
};

/** @throws BadRequest for a date that is not `DD-MM-YYYY`, or a number that is none. */
export function parseTransactionQuery(query: URLSearchParams): TransactionQuery {
  const start = day(query, "start");
  const end = day(query, "end");
  if (start !== null && end !== null && start > end) throw new BadRequest("start date is after end date");
  const type = query.get("type");
  if (type !== null && type !== "debit" && type !== "credit") throw new BadRequest("type must be debit or credit");
  const paginate = query.get("paginate") ?? "true";
  if (paginate !== "true" && paginate !== "false") throw new BadRequest("paginate must be true or false");
  return {
    from: start === null ? null : new Date(startOfDay(start)).toISOString(),
    before: end === null ? null : new Date(startOfDay(end + 1)).toISOString(),
    type,
    narration: query.get("narration"),
    paginate: paginate === "true",
    page: count(query, "page") ?? 1,
    limit: Math.min(count(query, "limit") ?? DEFAULT_LIMIT, MAX_LIMIT),
  };
}

/** The rows that fit, newest first, not yet cut into pages. */
export function select(rows: readonly LedgerRow[], query: TransactionQuery): LedgerRow[] {
  const wanted = query.narration?.toLowerCase();
  return rows.filter((row) => {
    // ISO dates in UTC sort as text; parsing each of them was a fifth of a page's cost.
    if (query.from !== null && row.date < query.from) return false;
    if (query.before !== null && row.date >= query.before) return false;
    if (query.type !== null && row.type !== query.type) return false;
    return wanted === undefined || (row.narration?.toLowerCase().includes(wanted) ?? false);
  });
}

export function cut(rows: LedgerRow[], query: TransactionQuery): LedgerRow[] {
  return query.paginate ? rows.slice((query.page - 1) * query.limit, query.page * query.limit) : rows;
}

/**
 * `next` and `previous` are no usable URLs: they leave out `/accounts/` and drop every filter, in all of Mono's own
 * samples. Here they point at the simulator, so that a client that follows one is seen, and answered with a 404.
 */
export function meta(baseUrl: string, account: LinkedAccount, query: TransactionQuery, total: number): Meta {
  if (!query.paginate) return { total, page: 1, previous: null, next: null };
  const { page, limit } = query;
  const link = (to: number): string => `${baseUrl}/v2/${account.id}/transactions?page=${to}`;
  return {
    total,
    page,
    previous: page > 1 ? link(page - 1) : null,
    next: page * limit < total ? link(page + 1) : null,
  };
}

/** As served: no currency, and whatever somebody planted in `raw`. */
export function present(seed: Seed, account: LinkedAccount, row: LedgerRow): Record<string, unknown> {
  const { narration, amount, type, balance, date, category } = row;
  return {
    id: transactionId(seed, account, row),
    narration,
    amount: number(amount),
    type,
    balance: balance === null ? null : number(balance),
    date,
    category,
    ...row.raw,
  };
}

/** A number where that is exact: pages of nothing but numbers are written out much quicker. */
function number(kobo: bigint): number | bigint {
  return kobo >= BigInt(Number.MIN_SAFE_INTEGER) && kobo <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(kobo) : kobo;
}

function day(query: URLSearchParams, name: string): number | null {
  const given = query.get(name);
  if (given === null) return null;
  const parsed = parseMonoDay(given);
  if (parsed === null) throw new BadRequest(`${name} must be in the format DD-MM-YYYY`);
  return parsed;
}

function count(query: URLSearchParams, name: string): number | null {
  const given = query.get(name);
  if (given === null) return null;
  if (!/^[1-9]\d{0,8}$/.test(given)) throw new BadRequest(`${name} must be a positive number`);
  return Number(given);
}
