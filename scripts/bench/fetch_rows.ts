import { request } from "undici";

/** One transaction as values of INGEST_COLUMNS. */
export type Row = unknown[];

/** What people write the rows of a page into: bench.transactions, or the peers' own table. */
export const INGEST_COLUMNS = [
  "account_id",
  "user_id",
  "source",
  "provider_transaction_id",
  "status",
  "direction",
  "amount",
  "currency",
  "occurred_at",
  "occurred_on",
  "narration",
  "balance_after",
  "first_seen_at",
  "run_id",
] as const;

/** `($1, $2, …), (…)` for so many rows of INGEST_COLUMNS. */
export const placeholders = (rows: number): string =>
  Array.from(
    { length: rows },
    (_, row) => `(${INGEST_COLUMNS.map((__, at) => `$${row * INGEST_COLUMNS.length + at + 1}`).join(", ")})`,
  ).join(", ");

type CannedPage = {
  data: { id: string; narration: string; amount: number; type: string; balance: number; date: string }[];
  meta: { next: string | null };
};

/** A look at the outside only: the floor is JSON.parse and nothing else. */
const isCannedPage = (value: unknown): value is CannedPage =>
  typeof value === "object" && value !== null && "data" in value && Array.isArray(value.data);

/** One page of an account, fetched and parsed without further ado. Days are Mono's, DD-MM-YYYY. */
export async function fetchRows(
  { baseUrl, start, end }: { baseUrl: string; start: string; end: string },
  account: string,
  page: number,
): Promise<{ rows: Row[]; hasMore: boolean }> {
  const reply = await request(
    `${baseUrl}/v2/accounts/${account}/transactions?start=${start}&end=${end}&page=${page}&limit=100`,
  );
  const text = await reply.body.text();
  const answer: unknown = JSON.parse(text);
  if (!isCannedPage(answer)) throw new TypeError("The canned provider answers pages");
  const seen = new Date().toISOString();
  const rows = answer.data.map((row) => [
    account,
    account,
    "mono",
    row.id,
    "posted",
    row.type,
    row.amount / 100,
    "NGN",
    row.date,
    row.date.slice(0, 10),
    row.narration,
    row.balance / 100,
    seen,
    1,
  ]);
  return { rows, hasMore: answer.meta.next !== null };
}
