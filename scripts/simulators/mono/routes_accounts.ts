/** The account endpoints: details, balance, transactions, jobs, unlinking. */
import { header, type Reply, type Route, type SimulatorRequest } from "../http.ts";
import { cachedBalance, cachedStatement, dataStatus, retrievedData, type LinkedAccount } from "./accounts.ts";
import type { JobName } from "./actions.ts";
import { successful, type Meta } from "./envelopes.ts";
import { BadRequest } from "./errors.ts";
import type { LedgerRow } from "./ledger.ts";
import { statusHeader, type Job } from "./realtime.ts";
import type { Shifts } from "./shift.ts";
import { cut, meta, parseTransactionQuery, present, select } from "./transactions.ts";
import type { World } from "./world.ts";

export type AccountScene = { world: () => World; shifts: Shifts; baseUrl: () => string };

const ACCOUNTS_A_PAGE = 20;

const ENQUEUED = "Account transaction sync is enqueued, please try again once notified via webhook";

export function accountRoutes({ world, shifts, baseUrl }: AccountScene): Route[] {
  const accountOf = (request: SimulatorRequest): LinkedAccount => world().account(request.params["id"] ?? "");

  const details = (request: SimulatorRequest): Reply => {
    const account = accountOf(request);
    return successful(world().now(), "Request was successfully completed", {
      account: summary(account),
      customer: { id: account.customer },
      meta: {
        data_status: dataStatus(account),
        auth_method: account.authMethod,
        retrieved_data: retrievedData(account),
        data_request_id: account.dataRequestId,
        session_id: account.sessionId,
        ref: account.ref,
      },
    });
  };

  const list = (request: SimulatorRequest): Reply => {
    const page = Number(request.query.get("page") ?? "1");
    if (!Number.isSafeInteger(page) || page < 1) throw new BadRequest("page must be a positive number");
    const linked = world()
      .accounts()
      .filter(({ gone }) => !gone);
    const rows = linked.slice((page - 1) * ACCOUNTS_A_PAGE, page * ACCOUNTS_A_PAGE);
    const link = (to: number): string => `${baseUrl()}/v2/accounts?page=${to}`;
    const paging: Meta = {
      total: linked.length,
      page,
      previous: page > 1 ? link(page - 1) : null,
      next: page * ACCOUNTS_A_PAGE < linked.length ? link(page + 1) : null,
    };
    const data = rows.map((account) => ({ ...summary(account), customer: account.customer }));
    return successful(world().now(), "Data retrieved successfully", data, { meta: paging });
  };

  const balance = (request: SimulatorRequest): Reply => {
    const account = accountOf(request);
    const { job, headers } = realtime(world(), request, account, "jobs.accounts.sync_balance");
    if (isEnqueued(job, account)) return successful(world().now(), ENQUEUED, null, { headers });
    const amount = cachedBalance(account);
    const { number, name, currency } = account.bank;
    const status = dataStatus(account);
    // "An empty payload" before there is data; a partial account has the rest of the fields.
    const data =
      amount === null && status !== "PARTIAL" && status !== "AVAILABLE"
        ? null
        : { id: account.id, name, account_number: number, balance: amount, currency };
    return successful(world().now(), "Data retrieved successfully", data, { headers });
  };

  const transactions = (request: SimulatorRequest): Reply => {
    const account = accountOf(request);
    const query = parseTransactionQuery(request.query);
    const { job, headers } = realtime(world(), request, account, "jobs.accounts.sync_statement");
    if (isEnqueued(job, account)) return successful(world().now(), ENQUEUED, null, { headers });
    const rows = select(cachedStatement(account)?.rows ?? [], query);
    const reply = successful(
      world().now(),
      "Transaction retrieved successfully",
      cut(rows, query).map((row) => present(world().seed, account, row)),
      { meta: meta(baseUrl(), account, query, rows.length), headers },
    );
    const age = world().now() - Date.parse(rows[0]?.date ?? "1970-01-01");
    const change = shifts.take(account.id, query.page, age);
    if (change !== null) shift(world(), account, change, rows);
    return reply;
  };

  const job = (request: SimulatorRequest): Reply => {
    const account = accountOf(request);
    const found = world().job(account, request.params["jobId"] ?? "");
    const { app, business } = world().frame;
    const { id, status, name } = found;
    const message = status === "processing" ? "Job is being processed" : "Job execution completed";
    return successful(world().now(), message, { id, status, name, account: account.id, business, app });
  };

  const unlink = (request: SimulatorRequest): Reply => {
    world().perform({ kind: "unlink", account: accountOf(request).id });
    return successful(world().now(), "Account successfully unlinked", null);
  };

  return [
    { method: "GET", path: "/v2/accounts", handle: list },
    { method: "GET", path: "/v2/accounts/:id", handle: details },
    { method: "GET", path: "/v2/accounts/:id/balance", handle: balance },
    { method: "GET", path: "/v2/accounts/:id/transactions", handle: transactions },
    { method: "GET", path: "/v2/accounts/:id/jobs/:jobId", handle: job },
    { method: "POST", path: "/v2/accounts/:id/unlink", handle: unlink },
  ];
}

function summary(account: LinkedAccount): Record<string, unknown> {
  const { bank } = account;
  return {
    id: account.id,
    name: bank.name,
    account_number: bank.number,
    currency: bank.currency,
    balance: cachedBalance(account),
    type: bank.type,
    bvn: bank.bvn,
    institution: { name: bank.institution.name, bank_code: bank.institution.bankCode, type: bank.institution.type },
  };
}

/** Starts or finds the session's job when the caller asked for one. The guide and the reference spell the header differently. */
function realtime(
  world: World,
  request: SimulatorRequest,
  account: LinkedAccount,
  name: JobName,
): { job: Job | null; headers: Record<string, string> } {
  const asked = header(request, "x-realtime") ?? header(request, "x-real-time");
  if (asked?.toLowerCase() !== "true") return { job: null, headers: {} };
  const job = world.realtime(account, name);
  const headers: Record<string, string> = {
    "x-job-id": job.id,
    "x-job-status": statusHeader(world.seed, job, request.ordinal),
  };
  // Since September 2025 sent only when true.
  if (job.hasNewData) headers["x-has-new-data"] = "true";
  return { job, headers };
}

function isEnqueued(job: Job | null, account: LinkedAccount): boolean {
  return job?.status === "processing" && account.realtime.legacyEnqueued;
}

/** A row comes or goes at the top of the list, and the cache knows at once; a row that the bank has removed already only goes. */
function shift(world: World, account: LinkedAccount, change: "insert" | "remove", listed: LedgerRow[]): void {
  const [top] = listed;
  if (change === "insert") {
    const transaction = { amount: 12_345n, narration: "SHIFTED IN", ...(top === undefined ? {} : { date: top.date }) };
    world.perform({ kind: "add_transaction", account: account.id, transaction });
  } else if (top !== undefined) {
    const { id } = present(world.seed, account, { ...top, raw: null });
    if (world.shows(account.id, String(id))) {
      world.perform({ kind: "remove_transaction", account: account.id, transaction: String(id) });
    }
  }
  world.perform({ kind: "refresh_cache", account: account.id });
}
