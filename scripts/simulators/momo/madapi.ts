/**
 * A statement in the manner of MTN's MADAPI "Usage Management", on a host of its own: Collections cannot list
 * transactions at all. Paths, parameters, headers and the shape of the answer follow MTN's own specification. What it
 * leaves open is our guess, each marked *guess* below; nobody has seen the real one answer.
 */
import { Faults } from "../faults.ts";
import { header, json, type Reply, type SimulatorRequest, type SimulatorServer, startServer } from "../http.ts";
import { randomFor, secretFor, SECRET_MARK, type Seed } from "../random.ts";
import type { SlidingWindowLimiter } from "../rate_limit.ts";
import { formatStatementAmount } from "./amount.ts";
import { environment, isDay, localDay, localTime } from "./environment.ts";
import { sign } from "./signature.ts";
import { exactly, type Wallet } from "./state.ts";
import { type StatementRow, visibleRows } from "./statement.ts";
import type { World } from "./world.ts";

export type StatementCredentials = { clientId: string; clientSecret: string; apiKey: string };

/** One contract per app, not per wallet. */
export function statementCredentials(world: World): StatementCredentials {
  const { seed, state } = world;
  return {
    clientId: randomFor(seed, "madapi client").hex(32),
    clientSecret: secretFor(seed, "madapi secret", state.secretsRotated),
    apiKey: secretFor(seed, "madapi key"),
  };
}

export type MadapiOptions = { world: World; port: number; limiter: SlidingWindowLimiter; faults: Faults };

export async function startMadapiServer({ world, port, limiter, faults }: MadapiOptions): Promise<SimulatorServer> {
  return startServer({
    port,
    now: () => world.clock.now(),
    routes: [
      { method: "POST", path: "/v1/oauth/access_token", handle: (request) => grantToken(world, request) },
      { method: "GET", path: "/v1/customer/momo/history", handle: (request) => readHistory(world, request) },
    ],
    notFound: (request) => failure(world, request, 404, "1002", "Resource not found"),
    around(request, answer) {
      const pass = limiter.take(world.clock.machineNow());
      return pass.allowed ? faults.answer(request, answer) : rateExceeded(world, request, pass.retryAfterMs);
    },
  });
}

/** The faults of the statement host, refused in its own words. */
export function madapiFaults(): Faults {
  return new Faults({
    "401": refuse(401, "4000", "Unauthorized"),
    // Guess.
    "403": refuse(403, "4001", "Forbidden"),
    "429": refuse(429, "1013", "Rate limit exceeded"),
    "500": refuse(500, "1000", "Internal error"),
    "503": refuse(503, "1004", "Downstream service unavailable"),
  });
}

function refuse(status: number, statusCode: string, statusMessage: string): () => Reply {
  return () => json(status, { statusCode, statusMessage, supportMessage: "", downstreamStatusCode: "" });
}

const TOKEN_LIFETIME_S = 3599;

/** `expires_in` is a string, and the token type is the word `BearerToken` (MTN's specification). */
function grantToken(world: World, request: SimulatorRequest): Reply {
  const form = new URLSearchParams(request.rawBody);
  const expected = statementCredentials(world);
  if (request.query.get("grant_type") !== "client_credentials") {
    return failure(world, request, 400, "5000", "Invalid grant_type");
  }
  if (form.get("client_id") !== expected.clientId || form.get("client_secret") !== expected.clientSecret) {
    return failure(world, request, 401, "4000", "Unauthorized");
  }
  return json(200, {
    access_token: tokenUntil(world.seed, world.clock.now() + TOKEN_LIFETIME_S * 1000),
    token_type: "BearerToken",
    expires_in: String(TOKEN_LIFETIME_S),
  });
}

const REQUIRED = ["msisdn", "startDate", "endDate", "appName", "hostName", "userId", "attributes"];
/** Guess. */
const DEFAULT_PAGE_SIZE = 20;
/** Guess: a larger pageSize is cut down to it in silence, which `maxRecs` tells. */
const LARGEST_PAGE_SIZE = 100;

function readHistory(world: World, request: SimulatorRequest): Reply {
  const token = /^Bearer (\S+)$/.exec(header(request, "authorization") ?? "")?.[1] ?? "";
  const isKeyRight = header(request, "x-api-key") === statementCredentials(world).apiKey;
  if (!isKeyRight || !isToken(world, token)) return failure(world, request, 401, "4000", "Unauthorized");

  const bad = (what: string): Reply => failure(world, request, 400, "5000", `Invalid or missing parameter: ${what}`);
  const missing = REQUIRED.find((name) => (request.query.get(name) ?? "") === "");
  if (missing !== undefined) return bad(missing);
  if (header(request, "transactionid") === undefined) return bad("transactionId");
  // Guess: the specification types dates as strings and names no format.
  const startDate = request.query.get("startDate") ?? "";
  const endDate = request.query.get("endDate") ?? "";
  if (!isDay(startDate)) return bad("startDate");
  if (!isDay(endDate) || endDate < startDate) return bad("endDate");
  // Guess: pages count from 1.
  const pageNum = positive(request.query.get("pageNum") ?? "1");
  const asked = positive(request.query.get("pageSize") ?? String(DEFAULT_PAGE_SIZE));
  if (pageNum === null) return bad("pageNum");
  if (asked === null) return bad("pageSize");
  const pageSize = Math.min(asked, LARGEST_PAGE_SIZE);

  const msisdn = request.query.get("msisdn") ?? "";
  const wallet = world.state.wallets.values().find((candidate) => candidate.msisdn === msisdn);
  // Guess: neither status nor code is in the specification.
  if (wallet === undefined) return failure(world, request, 404, "1002", "Customer not found");

  const now = world.clock.now();
  const rows = visibleRows(world.ledger, wallet, now, { from: startDate, to: endDate });
  const page = rows.slice((pageNum - 1) * pageSize, pageNum * pageSize);
  return json(200, {
    msisdn,
    requestId: randomFor(world.seed, "madapi request", request.ordinal).hex(24),
    dateRange: [startDate, endDate],
    // Guess: numRecs counts all rows of the range, maxRecs the most that a page holds.
    maxRecs: String(pageSize),
    numRecs: String(rows.length),
    pageNum: String(pageNum),
    submittedTime: new Date(now).toISOString(),
    duration: "0",
    statusCode: "0000",
    statusMsg: "Success",
    data: page.map((row) => statementRecord(wallet, row)),
    key: "",
  });
}

/** A row as MADAPI tells it: every leaf a string, and neither id nor reference nor currency among them. */
export type StatementRecord = Record<
  | "amount"
  | "date"
  | "time"
  | "date_column"
  | "time_column"
  | "transaction_status"
  | "transaction_type"
  | "from_msisdn"
  | "from_username"
  | "to_msisdn"
  | "to_username"
  | "fee"
  | "balance_before"
  | "balance_after",
  string
>;

/** Guess: `YYYY-MM-DD` and `HH:MM:SS` in the time of the wallet's country; the `_column` twins repeat them. */
export function statementRecord(wallet: Wallet, row: StatementRow): StatementRecord {
  const { decimals } = environment(wallet.environment);
  const date = localDay(wallet.environment, row.occurredAt);
  const time = localTime(wallet.environment, row.occurredAt);
  const { fields } = row;
  const own = { msisdn: wallet.msisdn, name: wallet.holderName };
  const other = { msisdn: fields.counterpartyMsisdn, name: fields.counterpartyName };
  const [from, to] = fields.direction === "credit" ? [other, own] : [own, other];
  return {
    amount: formatStatementAmount(exactly(fields.amount), decimals),
    date,
    time,
    date_column: date,
    time_column: time,
    transaction_status: fields.status,
    transaction_type: fields.type,
    from_msisdn: from.msisdn,
    from_username: from.name,
    to_msisdn: to.msisdn,
    to_username: to.name,
    fee: formatStatementAmount(exactly(fields.fee), decimals),
    balance_before: formatStatementAmount(row.balanceBefore, decimals),
    balance_after: formatStatementAmount(row.balanceAfter, decimals),
  };
}

function failure(
  world: World,
  request: SimulatorRequest,
  status: number,
  statusCode: string,
  statusMessage: string,
): Reply {
  return json(status, {
    statusCode,
    statusMessage,
    supportMessage: statusMessage,
    sequenceNo: String(request.ordinal),
    transactionId: header(request, "transactionid") ?? "",
    timestamp: new Date(world.clock.now()).toISOString(),
    path: request.path,
    method: request.method,
    downstreamStatusCode: "",
  });
}

function rateExceeded(world: World, request: SimulatorRequest, retryAfterMs: number): Reply {
  const refusal = failure(world, request, 429, "1013", "Rate limit exceeded");
  if (!world.state.settings.retryAfter) return refusal;
  return { ...refusal, headers: { ...refusal.headers, "retry-after": String(Math.ceil(retryAfterMs / 1000)) } };
}

const tokenUntil = (seed: Seed, expires: number): string =>
  `${expires}.${SECRET_MARK}${sign(seed, "madapi", String(expires))}`;

function isToken(world: World, token: string): boolean {
  const expires = Number(token.split(".")[0]);
  return token === tokenUntil(world.seed, expires) && expires > world.clock.now();
}

function positive(value: string): number | null {
  return /^[1-9]\d{0,6}$/.test(value) ? Number(value) : null;
}
