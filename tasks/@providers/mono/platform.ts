import { type Call, createHttpClient, urlUnder } from "../../@http/client.ts";
import { ProviderError, UnexpectedShapeError } from "../../@http/errors.ts";
import { addDays } from "../../@sync/days.ts";
import { fromMinorUnits } from "../../@sync/money.ts";
import type { Instant, LeasedAccount, Platform, SyncContext, SyncStep, Window } from "../../@sync/platform.ts";
import { type PageStep, readWindow, type WindowPage } from "../../@sync/read_window.ts";
import { type AccountDetails, createMonoClient, type MonoClient, type TransactionsPage } from "./client.ts";
import { MonoReauthorisationError, MonoRefreshFailedError } from "./errors.ts";
import { createMonoExplainer } from "./explain.ts";
import { mapMonoRow } from "./mapping.ts";
import { type MonoMemory, recall } from "./memory.ts";

export type MonoPlatformOptions = {
  baseUrl: string;
  /** `test_sk_…` or `live_sk_…`: the key decides between sandbox and production (Mono docs). */
  secretKey: string;
  deadlineMs?: number;
  maxResponseBytes?: number;
};

/** A refresh that takes longer than this is no longer waited for: the cache is read as it is. */
const PATIENCE_MS = 5 * 60_000;
const FIRST_WAIT_MS = 20_000;

/**
 * How long "all of it is there" is believed without asking again. A week of quiet syncs at one request each, against
 * seven days for which a bank that lost its transactions could go unnoticed.
 */
const COMPLETE_FOR_MS = 7 * 86_400_000;

/** How long a refresh that Mono made by itself, after a re-authorisation say, makes one of ours needless. */
const FRESH_FOR_MS = 5 * 60_000;

/** Where the refresh stands, once it is no longer waited for. */
type Refreshed = {
  /** What the cache speaks for: the start of the last refresh that finished; null when none ever did. */
  dataAsOf: Instant | null;
  /** The newest window's first page, when the refreshing request brought it along. */
  firstPage: TransactionsPage | null;
  /** The bank had nothing new, and said so by a refresh that finished within the request. */
  nothingNew: boolean;
  memory: MonoMemory;
};

/**
 * Bank accounts by Mono. The bank is asked once a run, by the header that starts a real-time refresh on the newest
 * window's first page; whatever else is read comes from Mono's cache, because each such header may begin a session
 * that costs money. A quiet sync is that one request.
 *
 * All accounts are reached at `baseUrl`: our secret key is sent to no address that an account's row could name.
 * Throws InsecureUrlError.
 */
export function createMonoPlatform(options: MonoPlatformOptions): Platform {
  const { baseUrl, secretKey, deadlineMs, maxResponseBytes } = options;
  urlUnder(baseUrl, ""); // A wrong address is told now, not by every account's next sync.
  const http = createHttpClient(maxResponseBytes === undefined ? {} : { maxResponseBytes });
  const client = createMonoClient({ http, baseUrl, secretKey, ...(deadlineMs === undefined ? {} : { deadlineMs }) });
  return {
    name: "mono",
    sync: (account, context) => sync(client, account, context),
    explain: createMonoExplainer(client),
    unlink: (externalId, by) => unlink(client, externalId, by),
    close: () => http.close(),
  };
}

/** An answer that was lost makes the second try find nobody there, which is what was wanted. */
async function unlink(client: MonoClient, externalId: string, by: Call): Promise<void> {
  try {
    await client.unlink(externalId, by);
  } catch (error) {
    if (!(error instanceof ProviderError && error.status === 404)) throw error;
  }
}

async function* sync(
  client: MonoClient,
  account: LeasedAccount,
  context: SyncContext,
): AsyncGenerator<SyncStep, void, void> {
  const newest = account.windows.at(-1);
  if (newest === undefined) return; // Nothing is due: not even the bank needs to be asked.

  const refreshed = yield* refresh(client, account, newest, context);
  if (refreshed === "suspended") return;
  const { dataAsOf, firstPage } = refreshed;
  let { memory } = refreshed;

  let settles = dataAsOf !== null;
  // An empty newest list needs no second look where a refresh found nothing new and it was empty before.
  let isNewestSure = true;
  if (!refreshed.nothingNew || !isKnownComplete(memory, firstPage, context.now())) {
    // Forgotten before it is asked: should this run break off, the next one asks for the details again.
    if (memory.completeAt !== null) yield { kind: "state", state: (memory = { ...memory, completeAt: null }) };
    isNewestSure = false;
    const details = await client.accountDetails(account.externalId, context);
    if (details.dataStatus === "PROCESSING") {
      const wait = waitFor(memory, context.now());
      if (wait !== null) {
        yield wait;
        return;
      }
    }
    yield* tellBalance(account, details, dataAsOf ?? context.now().toISOString());
    settles &&= details.hasTransactions;
    if (settles) memory = { ...memory, completeAt: context.now().toISOString() };
    if (isPresent(details)) yield* tellDataAsOf(dataAsOf);
    if (details.dataStatus === "PARTIAL" && !details.hasTransactions && (firstPage?.rows ?? []).length === 0) {
      // An account that only ever gives its balance (a domiciliary one, say): there is no list to read.
      yield { kind: "state", state: { ...memory, newestTotal: null } };
      return;
    }
  } else {
    yield* tellDataAsOf(dataAsOf);
  }

  // The newest first: it is what the user waits for, and its first page is at hand and grows old.
  let newestTotal: number | null = null;
  const read = (window: Window, settling: boolean, first: TransactionsPage | null) => {
    let atHand = first;
    const fetchPage = async (page: number): Promise<WindowPage> => {
      const found = page === 1 && atHand !== null ? atHand : await readPage(client, account, window, page, context);
      atHand = null;
      if (window === newest) newestTotal = found.total;
      return windowPage(found, account.currency);
    };
    return readWindow(window, fetchPage, { settles: settling });
  };
  const doubtful: Window[] = [];
  for (const window of [newest, ...account.windows.slice(0, -1)]) {
    for await (const step of read(window, settles, window === newest ? firstPage : null)) {
      if (settles && isEmpty(step) && !(window === newest && isNewestSure)) doubtful.push(window);
      else yield step;
    }
  }
  if (doubtful.length > 0) {
    // An empty list at hand was read before the details were; any other came after them.
    const wasLookedAt = doubtful.length === 1 && doubtful[0] === newest && firstPage?.total === 0;
    const has = wasLookedAt || (await client.accountDetails(account.externalId, context)).hasTransactions;
    if (!has) memory = { ...memory, completeAt: null };
    for (const window of doubtful) yield* read(window, has, null);
  }
  yield { kind: "state", state: { ...memory, newestTotal } };
}

/**
 * The last step of a window in which there is nothing at all. While Mono is processing it answers just that, with 200
 * (Mono docs), and it may begin and end to do so while we read: so an empty list is believed only when the account's
 * details call the data complete *and* the list is still empty after that.
 */
function isEmpty(step: PageStep): boolean {
  return (
    step.complete !== null && step.page === 1 && step.rows.length + step.refused.length + step.complete.ids.length === 0
  );
}

/** Brings Mono's cache up to date, or suspends the run until it is. */
async function* refresh(
  client: MonoClient,
  account: LeasedAccount,
  newest: Window,
  context: SyncContext,
): AsyncGenerator<SyncStep, Refreshed | "suspended", void> {
  const memory = recall(account.state);
  const isContinuation = account.resumed && memory.jobStartedAt !== null;
  // What speaks for the cache stays the last refresh of ours: when this one of Mono's began is told nowhere.
  if (!isContinuation && isFresh(memory, context.now())) return asCached({ ...memory, refreshedAt: null }, null);
  // The day's cap of paid refreshes is reached: the cache is read as it is, and speaks for the last refresh.
  if (!isContinuation && !account.mayRefresh) return asCached(memory, null);
  return isContinuation && memory.jobId !== null
    ? yield* awaitJob(client, account, memory, memory.jobId, context)
    : yield* startRefresh(client, account, newest, isContinuation, memory, context);
}

async function* startRefresh(
  client: MonoClient,
  account: LeasedAccount,
  newest: Window,
  isContinuation: boolean,
  remembered: MonoMemory,
  context: SyncContext,
): AsyncGenerator<SyncStep, Refreshed | "suspended", void> {
  const askedAt = context.now().toISOString();
  const firstPage = await readPage(client, account, newest, 1, context, { refresh: true });
  const { jobId, status, hasNewData, enqueued } = firstPage.refresh;

  // Within five minutes Mono answers with the session it already had: its data is as old as that session's start.
  const isSame = isContinuation || (jobId !== null && jobId === remembered.jobId);
  const startedAt = (isSame ? remembered.jobStartedAt : null) ?? askedAt;
  const memory = { ...remembered, jobId, jobStartedAt: startedAt, waits: isSame ? remembered.waits : 0 };

  if (status === "failed") return yield* giveUpOn(client, account, memory, false, context);
  if (status === "processing" || (status === null && firstPage.rows === null && enqueued)) {
    const wait = waitFor(memory, context.now());
    if (wait !== null) {
      yield wait;
      return "suspended";
    }
    return asCached(memory, firstPage.rows === null ? null : firstPage);
  }
  if (firstPage.rows === null) throw new UnexpectedShapeError("read transactions", ["data: null"]);
  // Without a word about a refresh, what came is the cache as it was.
  if (status === null) return asCached(memory, firstPage);
  return {
    dataAsOf: startedAt,
    firstPage,
    nothingNew: !hasNewData,
    memory: { ...memory, waits: 0, dataAsOf: startedAt },
  };
}

async function* awaitJob(
  client: MonoClient,
  account: LeasedAccount,
  memory: MonoMemory,
  jobId: string,
  context: SyncContext,
): AsyncGenerator<SyncStep, Refreshed | "suspended", void> {
  const job = await client.job(account.externalId, jobId, context);
  if (job.status === "failed") return yield* giveUpOn(client, account, memory, job.needsReauthorisation, context);
  if (job.status === "processing") {
    const wait = waitFor(memory, context.now());
    if (wait === null) return asCached(memory, null);
    yield wait;
    return "suspended";
  }
  return {
    dataAsOf: memory.jobStartedAt,
    firstPage: null,
    nothingNew: false, // A job does not tell whether it found anything.
    memory: { ...memory, waits: 0, dataAsOf: memory.jobStartedAt },
  };
}

function isFresh({ refreshedAt }: MonoMemory, now: Date): boolean {
  return refreshedAt !== null && now.getTime() - Date.parse(refreshedAt) < FRESH_FOR_MS;
}

/** The cache as it is: it still speaks for the last refresh that finished. */
function asCached(memory: MonoMemory, firstPage: TransactionsPage | null): Refreshed {
  return { dataAsOf: memory.dataAsOf, firstPage, nothingNew: false, memory };
}

/** A failed refresh says by itself only that it failed; whether the user's consent has ended is told elsewhere. */
async function* giveUpOn(
  client: MonoClient,
  account: LeasedAccount,
  memory: MonoMemory,
  needsReauthorisation: boolean,
  context: SyncContext,
): AsyncGenerator<SyncStep, never, void> {
  yield { kind: "state", state: { ...memory, waits: 0, completeAt: null } };
  if (needsReauthorisation) throw new MonoReauthorisationError();
  const details = await client.accountDetails(account.externalId, context);
  if (details.needsReauthorisation) throw new MonoReauthorisationError();
  throw new MonoRefreshFailedError(details.dataStatus);
}

/** 20 s, 40 s, 60 s, … until five minutes after the refresh began; null when that time is over. */
function waitFor(memory: MonoMemory, now: Date): Extract<SyncStep, { kind: "suspend" }> | null {
  const startedAt = memory.jobStartedAt ?? now.toISOString();
  const patientUntil = Date.parse(startedAt) + PATIENCE_MS;
  if (now.getTime() >= patientUntil) return null;
  const waits = memory.waits + 1;
  const until = Math.min(now.getTime() + waits * FIRST_WAIT_MS, patientUntil);
  return {
    kind: "suspend",
    until: new Date(until).toISOString(),
    state: { ...memory, jobStartedAt: startedAt, waits },
  };
}

/**
 * Whether a refresh without news may settle days without a look at the account's details. An empty list is believed
 * only when the one before was empty too: Mono answers 200 with nothing while it is still processing.
 */
function isKnownComplete(memory: MonoMemory, firstPage: TransactionsPage | null, now: Date): boolean {
  if (memory.completeAt === null || now.getTime() - Date.parse(memory.completeAt) >= COMPLETE_FOR_MS) return false;
  if (firstPage === null || firstPage.total === null) return false;
  return firstPage.total > 0 || memory.newestTotal === 0;
}

function isPresent({ dataStatus }: AccountDetails): boolean {
  return dataStatus === "AVAILABLE" || dataStatus === "PARTIAL";
}

function* tellDataAsOf(asOf: Instant | null): Generator<SyncStep, void, void> {
  if (asOf !== null) yield { kind: "data_as_of", asOf };
}

function* tellBalance(account: LeasedAccount, details: AccountDetails, asOf: Instant): Generator<SyncStep, void, void> {
  const currency = details.currency?.trim().toUpperCase() || account.currency;
  const balance = fromMinorUnits(details.balance, currency);
  if (balance.ok) yield { kind: "balance", amount: balance.amount, currency, asOf };
}

function readPage(
  client: MonoClient,
  account: LeasedAccount,
  window: Window,
  page: number,
  context: SyncContext,
  { refresh: asks }: { refresh: boolean } = { refresh: false },
): Promise<TransactionsPage> {
  // One day more than is due: Mono documents no zone for its filter. Should it be UTC, the first hour of a day in
  // Lagos lies on the day before.
  const query = { from: addDays(window.from, -1), to: window.to, page, refresh: asks };
  return client.transactions(account.externalId, query, context);
}

function windowPage({ rows, total, nextPage }: TransactionsPage, currency: string): WindowPage {
  if (rows === null) throw new UnexpectedShapeError("read transactions", ["data: null"]);
  return { rows: rows.map((row) => mapMonoRow(row, currency)), total, nextPage };
}
