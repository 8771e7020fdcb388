import { createHash, randomUUID } from "node:crypto";
import { type Call, type HttpClient, type HttpReply, type HttpRequest, urlUnder } from "../../@http/client.ts";
import { ProviderError, UnexpectedShapeError } from "../../@http/errors.ts";
import { parseReply } from "../../@http/parse_reply.ts";
import { redact } from "../../@http/redact.ts";
import { daysOf, instantIn, isDay } from "../../@sync/days.ts";
import { compareDecimals, fromDecimal } from "../../@sync/money.ts";
import type { IncomingTransaction, RefusalReason, Window } from "../../@sync/platform.ts";
import { type MappedRow, type PageStep, PagingError, WindowUnstableError } from "../../@sync/read_window.ts";
import { storedText } from "../../@sync/stored_text.ts";
import { paymentStatus } from "./mapping.ts";
import { type StatementRow, statementRefusal, statementReply, statementRow, tokenReply } from "./schemas.ts";

/**
 * A wallet's history by MTN's MADAPI "Usage Management", for those who have a contract for it: it is not self-serve
 * and has no public sandbox. Paths, parameters and the shape of replies are from MTN's specification (June 2026);
 * formats of dates, the first page's number and the meaning of numRecs (rows on all pages) are in no document.
 */
export const MADAPI_BASE_URL = "https://api.mtn.com";

export type StatementAccess = {
  baseUrl: string;
  clientId: string;
  clientSecret: string;
  apiKey: string;
  msisdn: string;
};

export type StatementPage = { rows: unknown[]; total: number };

export type StatementClient = {
  mintToken(access: StatementAccess, by: Call): Promise<{ token: string; expiresInSeconds: number }>;
  page(access: StatementAccess, token: string, window: Window, page: number, by: Call): Promise<StatementPage>;
};

/** More a page than MTN may be willing to give; what it gives is counted, not assumed. */
const PAGE_SIZE = 100;

/** The names by which MADAPI wants its callers to be known. */
const CALLER = { appName: "tidemark", hostName: "tidemark", userId: "tidemark", attributes: "all" };

/** Throws ProviderError, NotJsonError, UnexpectedShapeError and the errors of HttpClient.send. */
export function createStatementClient(options: {
  http: HttpClient;
  tokenDeadlineMs?: number;
  deadlineMs?: number;
}): StatementClient {
  const { http, tokenDeadlineMs = 30_000, deadlineMs = 15_000 } = options;
  return {
    async mintToken(access, by) {
      const reply = await call(
        http,
        {
          operation: "mint statement token",
          method: "POST",
          url: urlUnder(access.baseUrl, "/v1/oauth/access_token", { grant_type: "client_credentials" }),
          form: { client_id: access.clientId, client_secret: access.clientSecret },
          call: by,
          deadlineMs: tokenDeadlineMs,
        },
        access,
        [],
      );
      const { access_token, expires_in } = parseReply(reply, tokenReply);
      return { token: access_token, expiresInSeconds: expires_in };
    },

    async page(access, token, window, page, by) {
      const query = {
        msisdn: access.msisdn,
        startDate: window.from,
        endDate: window.to,
        ...CALLER,
        pageNum: String(page),
        pageSize: String(PAGE_SIZE),
      };
      const reply = await call(
        http,
        {
          operation: "read statement",
          method: "GET",
          url: urlUnder(access.baseUrl, "/v1/customer/momo/history", query),
          headers: { authorization: `Bearer ${token}`, "x-api-key": access.apiKey, transactionid: randomUUID() },
          call: by,
          deadlineMs,
        },
        access,
        [token],
      );
      const { data, numRecs } = parseReply(reply, statementReply);
      if (data === null || data === undefined) {
        if (numRecs > 0) throw new UnexpectedShapeError("read statement", ["data: missing"]);
        return { rows: [], total: 0 };
      }
      return { rows: data, total: numRecs };
    },
  };
}

async function call(
  http: HttpClient,
  request: HttpRequest,
  access: StatementAccess,
  secrets: string[],
): Promise<HttpReply> {
  const reply = await http.send(request);
  if (reply.status >= 200 && reply.status < 300) return reply;
  const said = reply.body.kind === "json" ? statementRefusal.safeParse(reply.body.value).data : undefined;
  const hidden = { secrets: [...secrets, access.clientId, access.clientSecret, access.apiKey, access.msisdn] };
  const code = said?.statusCode ?? said?.error;
  throw new ProviderError(request.operation, {
    status: reply.status,
    code: typeof code === "string" ? redact(code, { ...hidden, maxLength: 80 }) : null,
    providerMessage: typeof said?.statusMessage === "string" ? redact(said.statusMessage, hidden) : null,
    retryAfter: reply.headers.get("retry-after")?.slice(0, 64) ?? null,
    body: reply.body.kind,
  });
}

export type StatementReading = {
  zone: string;
  currency: string;
  msisdn: string;
  restarts?: number;
  maxPages?: number;
};

/**
 * Reads a window of the statement and tells it day by day, one step a day, so that a provider day is saved at once.
 *
 * Rows have no id, so that a row's identity is all that it says, its balance included, and how many times the same was
 * said before on its day (two failed attempts in one second are equal in every field). The window is complete when as
 * many rows came as numRecs announced, the same on every page. Rows that are equal on different pages are either two
 * or one that slid over a page's edge: then the window must read the same twice in a row.
 *
 * Throws WindowUnstableError, PagingError, and what `fetchPage` throws.
 */
export async function* readStatementWindow(
  window: Window,
  fetchPage: (page: number) => Promise<StatementPage>,
  reading: StatementReading,
): AsyncGenerator<PageStep, void, void> {
  const { restarts = 5, maxPages = 1000 } = reading;
  let previous: string | null = null;
  for (let read = 0; read <= restarts; read += 1) {
    const found: ReadStatement | null = await readOnce(window, fetchPage, maxPages);
    if (found !== null && (!found.isAmbiguous || found.order === previous)) {
      return yield* tell(window, found.rows, reading);
    }
    previous = found?.order ?? null;
  }
  throw new WindowUnstableError(window, restarts + 1);
}

type ReadStatement = { rows: unknown[]; order: string; isAmbiguous: boolean };

async function readOnce(
  window: Window,
  fetchPage: (page: number) => Promise<StatementPage>,
  maxPages: number,
): Promise<ReadStatement | null> {
  const rows: unknown[] = [];
  const earlierPages = new Set<string>();
  let isAmbiguous = false;
  let total: number | null = null;
  for (let page = 1; page <= maxPages; page += 1) {
    const found = await fetchPage(page);
    total ??= found.total;
    if (found.total !== total) return null;
    const prints = found.rows.map(fingerprint);
    isAmbiguous ||= prints.some((print) => earlierPages.has(print));
    for (const print of prints) earlierPages.add(print);
    rows.push(...found.rows);
    if (rows.length > total) return null;
    if (rows.length === total) return { rows, order: rows.map(fingerprint).join(), isAmbiguous };
    if (found.rows.length === 0) return null;
  }
  throw new PagingError(window, maxPages, "there is still a page after it");
}

function* tell(window: Window, rows: unknown[], reading: StatementReading): Generator<PageStep, void, void> {
  const mapped = mapStatement(rows, reading);
  const byDay = Map.groupBy(mapped, (row) => (row.ok ? row.transaction.occurredOn : window.to));
  // Days without rows need no step of their own, but the last day ends the window.
  const days = daysOf(window).filter((day) => byDay.has(day) || day === window.to);
  for (const [index, day] of days.entries()) {
    const ofDay = byDay.get(day) ?? [];
    yield {
      kind: "page",
      window,
      page: index + 1,
      rows: ofDay.flatMap((row) => (row.ok ? [row.transaction] : [])),
      refused: ofDay.flatMap((row) => (row.ok ? [] : [row.refused])),
      complete:
        day === window.to
          ? { ids: mapped.flatMap((row) => (row.ok ? [row.transaction.id] : [])), settles: true }
          : null,
    };
  }
}

/** Rows of a statement with an identity each. Equal rows are counted in the order in which they came. */
export function mapStatement(
  rows: unknown[],
  reading: Pick<StatementReading, "zone" | "currency" | "msisdn">,
): MappedRow[] {
  const seen = new Map<string, number>();
  return rows.map((row) => {
    const parsed = statementRow.safeParse(row);
    if (!parsed.success) return refuse("invalid_row");
    const print = fingerprint(row);
    const occurrence = (seen.get(print) ?? 0) + 1;
    seen.set(print, occurrence);
    return mapRow(parsed.data, `st_${print}_${occurrence}`, reading);
  });
}

function mapRow(
  row: StatementRow,
  id: string,
  { zone, currency, msisdn }: Pick<StatementReading, "zone" | "currency" | "msisdn">,
): MappedRow {
  const amount = fromDecimal(row.amount?.trim(), currency);
  if (!amount.ok || amount.amount.startsWith("-")) return refuse("inexact_amount");
  const day = (row.date ?? row.date_column ?? "").trim();
  const occurredAt = isDay(day) ? instantIn(zone, day, (row.time ?? row.time_column ?? "").trim()) : null;
  if (occurredAt === null) return refuse("invalid_date");
  const direction = directionOf(row, msisdn, currency);
  if (direction === null) return refuse("invalid_direction");
  const balance = fromDecimal(row.balance_after?.trim(), currency);
  const [name, number] =
    direction === "credit" ? [row.from_username, row.from_msisdn] : [row.to_username, row.to_msisdn];
  return {
    ok: true,
    transaction: {
      id,
      status: paymentStatus(row.transaction_status ?? ""),
      direction,
      amount: amount.amount,
      currency,
      occurredAt,
      occurredOn: day,
      narration: storedText(row.transaction_type),
      category: null,
      balanceAfter: balance.ok ? balance.amount : null,
      counterparty: storedText(name?.trim()) ?? storedText(number?.trim()),
    },
  };
}

/** From whom to whom; where the wallet is on both sides or on none, by what the row did to the balance. */
function directionOf(row: StatementRow, msisdn: string, currency: string): IncomingTransaction["direction"] | null {
  const isFrom = sameNumber(row.from_msisdn, msisdn);
  const isTo = sameNumber(row.to_msisdn, msisdn);
  if (isFrom !== isTo) return isTo ? "credit" : "debit";
  const before = fromDecimal(row.balance_before?.trim(), currency);
  const after = fromDecimal(row.balance_after?.trim(), currency);
  if (!before.ok || !after.ok) return null;
  const change = compareDecimals(after.amount, before.amount);
  return change === 0 ? null : change > 0 ? "credit" : "debit";
}

function sameNumber(given: string | null | undefined, own: string): boolean {
  const digits = given?.replaceAll(/\D/g, "") ?? "";
  return digits !== "" && digits === own.replaceAll(/\D/g, "");
}

/** Everything that the row says, whatever the order in which it says it. */
function fingerprint(row: unknown): string {
  const said =
    typeof row === "object" && row !== null ? Object.entries(row).toSorted(([a], [b]) => (a < b ? -1 : 1)) : row;
  return createHash("sha256").update(JSON.stringify(said)).digest("base64url").slice(0, 32);
}

function refuse(refused: RefusalReason): MappedRow {
  return { ok: false, refused, id: null };
}
