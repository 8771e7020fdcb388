import type { Call, HttpClient, HttpReply } from "../../@http/client.ts";
import { urlUnder } from "../../@http/client.ts";
import { ProviderError, UnexpectedShapeError } from "../../@http/errors.ts";
import { parseReply } from "../../@http/parse_reply.ts";
import { redact } from "../../@http/redact.ts";
import type { Day } from "../../@sync/platform.ts";
import {
  accountReply,
  envelope,
  exchangeReply,
  jobReply,
  linkReply,
  sessionReply,
  transactionsReply,
} from "./schemas.ts";
import type { DataStatus } from "./schemas.ts";

export const MONO_BASE_URL = "https://api.withmono.com";

/** Mono documents neither a default nor a maximum; 100 is what working clients use. */
export const PAGE_SIZE = 100;

export type MonoClientOptions = { http: HttpClient; baseUrl: string; secretKey: string; deadlineMs?: number };

/** How far a real-time refresh has come. Null where the reply says nothing about one. */
export type JobStatus = "finished" | "processing" | "failed";

export type TransactionsPage = {
  /** Not yet judged; null where Mono has no answer yet. */
  rows: unknown[] | null;
  total: number | null;
  nextPage: number | null;
  refresh: {
    jobId: string | null;
    status: JobStatus | null;
    /** Since September 2025 the header is sent only when true (Mono docs, changelog). */
    hasNewData: boolean;
    /** "…is enqueued, please try again…": how Mono said `processing` before there were headers. */
    enqueued: boolean;
  };
};

export type AccountDetails = {
  /** Minor units as sent, unjudged. */
  balance: unknown;
  currency: string | null;
  dataStatus: DataStatus;
  hasTransactions: boolean;
  needsReauthorisation: boolean;
};

/**
 * What Mono knows of an account that is of use when it is linked; null where it does not say. Number and type make its
 * identity and are kept nowhere.
 */
export type LinkDetails = {
  currency: string | null;
  institution: string | null;
  institutionCode: string | null;
  accountNumber: string | null;
  accountType: string | null;
  /** Mono's customer: the accounts of one login have the same. */
  customerId: string | null;
};

export type RefreshJob = { status: JobStatus; needsReauthorisation: boolean };

export type MonoClient = {
  /** The account's currency, balance and how much of its data Mono has. */
  accountDetails(accountId: string, by: Call): Promise<AccountDetails>;
  /** One page of the transactions of some days; with `refresh`, the bank is asked first (a real-time session). */
  transactions(
    accountId: string,
    query: { from: Day; to: Day; page: number; refresh: boolean },
    by: Call,
  ): Promise<TransactionsPage>;
  job(accountId: string, jobId: string, by: Call): Promise<RefreshJob>;
  /** A link on which the user renews an account's consent. It lives for minutes: mint it when the user taps. */
  initiateReauthorisation(
    accountId: string,
    detail: { redirectUrl: string; ref?: string },
    by: Call,
  ): Promise<{ url: string }>;
  /** Turns the code of Mono Connect (valid for ten minutes) into the account's id. */
  exchangeCode(code: string, by: Call): Promise<{ accountId: string }>;
  linkDetails(accountId: string, by: Call): Promise<LinkDetails>;
  unlink(accountId: string, by: Call): Promise<void>;
  /** A call that needs our key and no account: it tells whose fault a 401 is. */
  checkKey(by: Call): Promise<void>;
};

/**
 * Mono's API, v2. Every method throws ProviderError when Mono says no, NotJsonError or UnexpectedShapeError when what
 * it says cannot be read, and the errors of HttpClient.send.
 */
export function createMonoClient({ http, baseUrl, secretKey, deadlineMs = 15_000 }: MonoClientOptions): MonoClient {
  const secrets = [secretKey];

  async function call(
    operation: string,
    method: "GET" | "POST",
    path: string,
    by: Call,
    extra: { query?: Record<string, string>; headers?: Record<string, string>; json?: unknown } = {},
  ): Promise<HttpReply> {
    const { query, headers, ...content } = extra;
    const reply = await http.send({
      operation,
      method,
      url: urlUnder(baseUrl, path, query),
      headers: { "mono-sec-key": secretKey, ...headers },
      ...content,
      call: by,
      deadlineMs,
    });
    const said = reply.body.kind === "json" ? envelope.safeParse(reply.body.value).data : undefined;
    if (reply.status >= 200 && reply.status < 300 && said?.status !== "failed") return reply;
    throw new ProviderError(operation, {
      status: reply.status,
      code: null, // Mono has no machine codes, only words (Mono docs, errors).
      providerMessage: typeof said?.message === "string" ? redact(said.message, { secrets }) : null,
      retryAfter: reply.headers.get("retry-after")?.slice(0, 64) ?? null,
      body: reply.body.kind,
    });
  }

  return {
    async accountDetails(accountId, by) {
      const reply = await call("read account", "GET", accountPath(accountId), by);
      const { data, message } = parseReply(reply, accountReply);
      return {
        balance: data.account.balance,
        currency: data.account.currency ?? null,
        dataStatus: data.meta.data_status,
        // AVAILABLE means balance and transactions; only PARTIAL needs the list.
        hasTransactions:
          data.meta.data_status === "AVAILABLE" ||
          (data.meta.data_status === "PARTIAL" && (data.meta.retrieved_data ?? []).includes("transactions")),
        needsReauthorisation: saysReauthorise(data.meta.sync_status, message),
      };
    },

    async transactions(accountId, { from, to, page, refresh }, by) {
      const query = {
        start: monoDay(from),
        end: monoDay(to),
        page: String(page),
        limit: String(PAGE_SIZE),
      };
      const headers: Record<string, string> = refresh ? { "x-realtime": "true" } : {};
      const path = `${accountPath(accountId)}/transactions`;
      const reply = await call("read transactions", "GET", path, by, { query, headers });
      const { data, meta, message } = parseReply(reply, transactionsReply);
      const jobId = reply.headers.get("x-job-id")?.trim() ?? "";
      const status = reply.headers.get("x-job-status");
      return {
        rows: data,
        total: meta?.total ?? null,
        nextPage: nextPage(meta?.next, page, data?.length ?? 0),
        refresh: {
          jobId: jobId === "" ? null : jobId,
          status: status === undefined ? null : jobStatus(status, "read transactions"),
          hasNewData: reply.headers.get("x-has-new-data")?.trim().toLowerCase() === "true",
          enqueued: /enqueued/i.test(message ?? ""),
        },
      };
    },

    async job(accountId, jobId, by) {
      const path = `${accountPath(accountId)}/jobs/${encodeURIComponent(jobId)}`;
      const reply = await call("poll refresh job", "GET", path, by);
      const { data, message } = parseReply(reply, jobReply);
      return {
        status: jobStatus(data.status, "poll refresh job"),
        needsReauthorisation: saysReauthorise(data.sync_status, message),
      };
    },

    async initiateReauthorisation(accountId, { redirectUrl, ref }, by) {
      const json = {
        account: accountId,
        scope: "reauth",
        redirect_url: redirectUrl,
        ...(ref === undefined ? {} : { meta: { ref } }),
      };
      const reply = await call("initiate re-authorisation", "POST", "/v2/accounts/initiate", by, { json });
      return { url: parseReply(reply, sessionReply).data.mono_url };
    },

    async exchangeCode(code, by) {
      const reply = await call("exchange code", "POST", "/v2/accounts/auth", by, { json: { code } });
      return { accountId: parseReply(reply, exchangeReply) };
    },

    async linkDetails(accountId, by) {
      const { account, customer } = parseReply(
        await call("read account", "GET", accountPath(accountId), by),
        linkReply,
      ).data;
      return {
        currency: account.currency ?? null,
        institution: account.institution?.name ?? null,
        institutionCode: account.institution?.bank_code ?? null,
        accountNumber: account.account_number ?? null,
        accountType: account.type ?? null,
        customerId: customer?.id ?? null,
      };
    },

    async unlink(accountId, by) {
      // The body of a success is documented nowhere, so that its status has to do.
      await call("unlink account", "POST", `${accountPath(accountId)}/unlink`, by);
    },

    async checkKey(by) {
      await call("check key", "GET", "/v3/institutions", by, { query: { scope: "financial_data" } });
    },
  };
}

function accountPath(accountId: string): string {
  return `/v2/accounts/${encodeURIComponent(accountId)}`;
}

/** Mono writes days as DD-MM-YYYY. */
function monoDay(day: Day): string {
  return day.split("-").toReversed().join("-");
}

/** The page number of `meta.next`; where the key itself is missing, there is a next page as long as rows come. */
function nextPage(next: string | null | undefined, page: number, rows: number): number | null {
  if (next === null || next === "") return null;
  if (next === undefined) return rows > 0 ? page + 1 : null;
  // A URL without a usable page number: 0 is what the reader's guard refuses, if it still has to go on.
  const text = URL.canParse(next, MONO_BASE_URL) ? new URL(next, MONO_BASE_URL).searchParams.get("page") : null;
  return /^\d{1,9}$/.test(text ?? "") ? Number(text) : 0;
}

function jobStatus(text: string, operation: string): JobStatus {
  const status = text.trim().toLowerCase();
  if (status === "finished" || status === "processing" || status === "failed") return status;
  throw new UnexpectedShapeError(operation, ["job status: unknown value"]);
}

/** `REAUTHORISATION_REQUIRED`, in whichever of the places and spellings it may turn up. */
function saysReauthorise(...texts: (string | null | undefined)[]): boolean {
  return texts.some((text) => isReauthorisation(text ?? ""));
}

/** Whether a text of Mono's asks for the user's renewed consent. */
export function isReauthorisation(text: string): boolean {
  return /re-?auth/i.test(text);
}
