import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";

/** accounts.platform_source. */
export const platformSource = z.enum(["mono", "mtn_momo"]);
export type PlatformSource = z.infer<typeof platformSource>;

export const failureKind = z.enum([
  "transient",
  "rate_limited",
  "auth_required",
  "account_gone",
  "provider_down",
  "invalid_response",
  "configuration",
  "interrupted",
]);

const instant = z.string().transform((value) => new Date(value).toISOString());

/** What begin_syncs and resume_syncs hand over: db/functions/lease_details.sql. Credentials are still sealed. */
const leaseDetails = z.object({
  accountId: z.guid(),
  runId: z.string(),
  epoch: z.number(),
  platform: platformSource,
  externalId: z.string(),
  currency: z.string(),
  baseUrl: z.string().nullable(),
  targetEnvironment: z.string().nullable(),
  state: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
  now: instant,
  /** Somebody waits for this run: it may use the reserve of the quota. */
  first: z.boolean().default(false),
  /** Whether the day's cap of paid real-time refreshes has room for this run. A resumed run's refresh was begun. */
  mayRefresh: z.boolean().default(true),
  windows: z.array(
    z.object({ source: z.enum(["mono", "collections", "statement"]), from: z.iso.date(), to: z.iso.date() }),
  ),
  openReferences: z.array(
    z.object({
      referenceId: z.guid(),
      operation: z.enum(["requesttopay", "requesttowithdraw"]),
      baseUrl: z.string(),
      targetEnvironment: z.string(),
      requestedAt: instant,
    }),
  ),
  credentials: z.array(
    z.object({
      kind: z.string(),
      keyId: z.string(),
      sealed: z.string().transform((value) => Buffer.from(value, "base64")),
    }),
  ),
});
export type LeaseDetails = z.infer<typeof leaseDetails>;

const begun = z.union([
  z.object({ account_id: z.string(), outcome: z.literal("begun"), details: leaseDetails }),
  z.object({
    account_id: z.string(),
    outcome: z.enum(["running", "busy", "stale", "paused", "provider_down", "unlinked", "wrong_platform", "not_found"]),
    details: z.null(),
  }),
]);
/** One answer to a request to begin or resume; the refusals are explained in db/functions/begin_syncs.sql. */
export type Begun = z.infer<typeof begun>;

export type BeginRequest = { accountId: string; dueAt?: string | undefined; trigger?: string | undefined };

/** Opens runs, at most one an account, and hands over their leases. */
export const beginSyncs = (
  db: Queryable,
  platform: PlatformSource,
  worker: string,
  requests: BeginRequest[],
): Promise<Begun[]> =>
  rows(db, begun, "select * from app_private.begin_syncs($1, $2, $3)", [platform, worker, JSON.stringify(requests)]);

/** Continues runs that waited for their provider, under a new epoch. */
export const resumeSyncs = (
  db: Queryable,
  platform: PlatformSource,
  worker: string,
  requests: { accountId: string; runId: string }[],
): Promise<Begun[]> =>
  rows(db, begun, "select * from app_private.resume_syncs($1, $2, $3)", [platform, worker, JSON.stringify(requests)]);

/** The right to write for an account. Every later verb asks for it and answers `lost` when it is no longer held. */
export type Lease = { accountId: string; runId: string; epoch: number };

/** What a run looked at: the numbers of its sync log that only TypeScript knows. */
export type RunLog = {
  pages: number;
  seen: number;
  unchanged: number;
  refusals: Record<string, number>;
  windows: { source: string; from: string; to: string; pages: number; complete: boolean }[];
  requests: number;
};

const written = z.object({ account_id: z.string(), outcome: z.enum(["ok", "lost"]) });
/** Whether the lease still stood, and so whether anything was written. */
export type Written = z.infer<typeof written>;

export type Suspension = Lease & { until: string; state: LeaseDetails["state"] };

/** Lets go of runs that wait for their provider; they stay open and are resumed later. */
export const suspendSyncs = (db: Queryable, runs: Suspension[]): Promise<Written[]> =>
  rows(db, written, "select * from app_private.suspend_syncs($1)", [JSON.stringify(runs)]);

export type Finish = Lease & {
  state?: LeaseDetails["state"] | undefined;
  dataAsOf?: string | undefined;
  balance?: string | undefined;
  balanceAsOf?: string | undefined;
  log: RunLog;
};

/** Closes runs that succeeded. */
export const finishSyncs = (db: Queryable, runs: Finish[]): Promise<Written[]> =>
  rows(db, written, "select * from app_private.finish_syncs($1)", [JSON.stringify(runs)]);

export type Failure = Lease & {
  state?: LeaseDetails["state"] | undefined;
  kind: z.infer<typeof failureKind>;
  message: string;
  code: string | null;
  retryAt: string | null;
  log: RunLog;
};

/** Closes runs that failed, by the policy of their kind. */
export const recordSyncFailures = (db: Queryable, failures: Failure[]): Promise<Written[]> =>
  rows(db, written, "select * from app_private.record_sync_failures($1)", [JSON.stringify(failures)]);
