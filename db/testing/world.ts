/** The people, accounts and runs that tests start from, arranged through the verbs themselves. */

import { createECDH, randomBytes, randomUUID } from "node:crypto";
import type { IncomingRow, Saved, SavedPage } from "../queries/pages.ts";
import { saveTransactions } from "../queries/pages.ts";
import { type Link, linkAccount } from "../queries/links.ts";
import {
  type BeginRequest,
  type Begun,
  type Failure,
  type Finish,
  type Lease,
  type LeaseDetails,
  type PlatformSource,
  type RunLog,
  beginSyncs,
  finishSyncs,
  recordSyncFailures,
} from "../queries/runs.ts";
import type { Queryable } from "../queryable.ts";
import { type Found, rowOf, rowsOf } from "./ask.ts";

export const alice = "a11ce000-0000-4000-8000-000000000001";
export const bob = "b0b00000-0000-4000-8000-000000000002";

/** 13:00 in Lagos, 15:00 in Kampala: no day changes nearby. */
export const noon = "2026-03-10T12:00:00.000Z";

/** Business time stands at `instant` from here on (within one transaction it stands still). */
export async function setClock(db: Queryable, instant: string): Promise<void> {
  await db.query("select app_private.set_clock($1)", [instant]);
}

export type Account = { accountId: string; userId: string };

/** A Mono account of Alice, with 30 days of history, synced never. */
export async function linkMono(db: Queryable, link: Partial<Link> = {}): Promise<Account> {
  const accountId = link.accountId ?? randomUUID();
  const userId = link.userId ?? alice;
  await linkAccount(db, {
    accountId,
    userId,
    platform: "mono",
    accountName: "Salary",
    currency: "NGN",
    externalId: `mono-${accountId}`,
    historyDays: 30,
    ...link,
  });
  return { accountId, userId };
}

/** A MoMo wallet of Alice, without a statement source. */
export async function linkMomo(db: Queryable, link: Partial<Link> = {}): Promise<Account> {
  const accountId = link.accountId ?? randomUUID();
  const userId = link.userId ?? alice;
  await linkAccount(db, {
    accountId,
    userId,
    platform: "mtn_momo",
    accountName: "Wallet",
    currency: "UGX",
    externalId: randomUUID(),
    baseUrl: "https://momo.example",
    targetEnvironment: "mtnuganda",
    ...link,
  });
  return { accountId, userId };
}

/** A browser of whoever the session acts as; its keys are fit to encrypt for. */
export async function savePushSubscription(db: Queryable, endpoint: string): Promise<void> {
  const browser = createECDH("prime256v1");
  await db.query("select app_public.save_push_subscription($1, $2, $3)", [
    endpoint,
    browser.generateKeys("base64url"),
    randomBytes(16).toString("base64url"),
  ]);
}

/** What begin_syncs answers to one request. */
export async function tryBegin(
  db: Queryable,
  request: BeginRequest,
  worker = "worker-1",
  platform: PlatformSource = "mono",
): Promise<Begun> {
  const [answer] = await beginSyncs(db, platform, worker, [request]);
  if (answer === undefined) throw new Error("begin_syncs answered nothing");
  return answer;
}

/** A run that is open and held by `worker`. */
export async function begin(
  db: Queryable,
  { accountId }: Account,
  worker = "worker-1",
  platform: PlatformSource = "mono",
): Promise<LeaseDetails> {
  const answer = await tryBegin(db, { accountId }, worker, platform);
  if (answer.outcome !== "begun") throw new Error(`begin_syncs answered ${answer.outcome}`);
  return answer.details;
}

export const leaseOf = ({ accountId, runId, epoch }: LeaseDetails): Lease => ({ accountId, runId, epoch });

/** A posted debit of 100 at ten in the morning; the narration tells ids apart unless it is given. */
export function incoming(id: string, occurredOn: string, fields: Partial<IncomingRow> = {}): IncomingRow {
  return {
    id,
    status: "posted",
    direction: "debit",
    amount: "100.00",
    currency: "NGN",
    occurredAt: `${occurredOn}T10:00:00.000Z`,
    occurredOn,
    narration: `payment ${id}`,
    category: null,
    balanceAfter: null,
    counterparty: null,
    ...fields,
  };
}

/** A page of the days 1 to 10 March 2026; not the window's last unless `complete` says so. */
export function page(lease: Lease, rows: IncomingRow[], fields: Partial<SavedPage> = {}): SavedPage {
  const { accountId, runId, epoch } = lease;
  return {
    accountId,
    runId,
    epoch,
    source: "mono",
    page: 1,
    from: "2026-03-01",
    to: "2026-03-10",
    rows,
    complete: null,
    ...fields,
  };
}

/** What makes a page its window's last: the ids of the whole window, and the moment the data speaks for. */
export function complete(rows: IncomingRow[], fields: Partial<NonNullable<SavedPage["complete"]>> = {}) {
  return { complete: { ids: rows.map(({ id }) => id), settles: true, asOf: noon, ...fields } };
}

export async function save(db: Queryable, saved: SavedPage): Promise<Saved> {
  const [answer] = await saveTransactions(db, [saved]);
  if (answer === undefined) throw new Error("save_transactions answered nothing");
  return answer;
}

export const emptyLog: RunLog = { pages: 0, seen: 0, unchanged: 0, refusals: {}, windows: [], requests: 0 };

/** Closes a run that succeeded, its data as of this moment. */
export async function finish(db: Queryable, lease: Lease, fields: Partial<Finish> = {}): Promise<string> {
  const { accountId, runId, epoch } = lease;
  const { now } = await rowOf(db, "select app_private.clock()::text as now");
  const dataAsOf = String(now);
  const [answer] = await finishSyncs(db, [{ accountId, runId, epoch, dataAsOf, log: emptyLog, ...fields }]);
  return answer?.outcome ?? "no answer";
}

export async function fail(
  db: Queryable,
  lease: Lease,
  kind: Failure["kind"],
  fields: Partial<Failure> = {},
): Promise<string> {
  const { accountId, runId, epoch } = lease;
  const [answer] = await recordSyncFailures(db, [
    { accountId, runId, epoch, kind, message: "It failed.", code: null, retryAt: null, log: emptyLog, ...fields },
  ]);
  return answer?.outcome ?? "no answer";
}

/** The public row. */
export const accountRow = (db: Queryable, { accountId }: Account): Promise<Found> =>
  rowOf(db, "select * from app_public.accounts where id = $1", [accountId]);

/** The machinery's row. */
export const stateRow = (db: Queryable, { accountId }: Account): Promise<Found> =>
  rowOf(db, "select * from app_private.sync_states where account_id = $1", [accountId]);

/** The account's runs, oldest first. */
export const runRows = (db: Queryable, { accountId }: Account): Promise<Found[]> =>
  rowsOf(db, "select * from app_public.sync_logs where account_id = $1 order by id", [accountId]);

/** Its transactions in the order they were first written, each with the id it had then: `row_id`. */
export const transactionRows = (db: Queryable, { accountId }: Account): Promise<Found[]> =>
  rowsOf(db, "select * from app_public.transactions where account_id = $1 order by id", [accountId]);

/** `id status` of each transaction, in the order they were first written. */
export const statuses = async (db: Queryable, account: Account): Promise<string[]> =>
  (await transactionRows(db, account)).map((row) => `${String(row.provider_transaction_id)} ${String(row.status)}`);

/** Jobs in the queue, oldest first: which task, with what, under which key. */
export const jobs = (db: Queryable): Promise<Found[]> =>
  rowsOf(
    db,
    `select j.task_identifier as task, p.payload, j.key, j.priority, j.max_attempts
     from graphile_worker.jobs j join graphile_worker._private_jobs p using (id) order by id`,
  );

/** Forgets the jobs that linking added, so that a test sees those of its own. */
export async function emptyQueue(db: Queryable): Promise<void> {
  await db.query("delete from graphile_worker._private_jobs");
}
