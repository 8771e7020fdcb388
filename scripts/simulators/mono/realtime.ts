/**
 * Real-time refreshes (Mono docs, realtime-data). The data endpoints serve a cache; only a job that finished moves it
 * on, to the state the bank was in when the job *started*.
 */
import { randomFor, type Seed } from "../random.ts";
import type { LinkedAccount } from "./accounts.ts";
import type { JobName } from "./actions.ts";
import type { LedgerView, Point } from "./ledger.ts";

/** One real-time session per account in this time; a repeat gets the same job back (Mono docs). */
export const SESSION_MS = 5 * 60_000;

/** ₦10 for a refresh that brought something new, ₦5 for a re-auth (Mono docs, 2024), in kobo. */
export const REFRESH_PRICE = 1_000n;
export const REAUTH_PRICE = 500n;

export type SyncStatus = "SUCCESSFUL" | "FAILED" | "REAUTHORISATION_REQUIRED";

export type Job = {
  id: string;
  account: LinkedAccount;
  name: JobName;
  /** Only those of `realtime` are paid for, take part in the session rule and send jobs.update. */
  origin: "realtime" | "connect" | "reauth";
  /** Whether its end is sent to the webhook. */
  announce: boolean;
  startedAt: number;
  /** Infinity for a job that never ends. */
  endsAt: number;
  /** The bank's state it will bring. */
  point: Point;
  /** Decided at the start; what comes of it shows at the end. */
  fate: SyncStatus;
  says: "auto" | "new" | "none";
  status: "processing" | "finished" | "failed";
  hasNewData: boolean;
};

/** The session that is still running out, if any. */
export function currentSession(account: LinkedAccount, now: number): Job | undefined {
  const last = account.jobs.findLast(({ origin }) => origin === "realtime");
  return last !== undefined && now < last.startedAt + SESSION_MS ? last : undefined;
}

/** Ends a job: a finished one advances the cache. */
export function finish(job: Job): void {
  const { account } = job;
  account.updatedAt = job.endsAt;
  if (job.fate !== "SUCCESSFUL") {
    job.status = "failed";
    return;
  }
  job.status = "finished";
  const isNew = bringsNews(job);
  job.hasNewData = job.says === "auto" ? isNew : job.says === "new";
  const gives = new Set(account.bank.gives);
  if (gives.has("identity")) account.retrieved.add("identity");
  if (gives.has("balance")) {
    account.balance = later(account.balance, job.point);
    account.retrieved.add("balance");
  }
  // A statement also tells the closing balance; a balance check brings no statement.
  if (job.name === "jobs.accounts.sync_statement" && gives.has("transactions")) {
    account.statement = later(account.statement, job.point);
    account.retrieved.add("transactions");
  }
}

/** A slow job that began before the cache's state does not turn it back. */
function later(cached: Point | null, brought: Point): Point {
  return cached !== null && cached.time > brought.time ? cached : brought;
}

function bringsNews(job: Job): boolean {
  const { account, point, name } = job;
  const { ledger } = account.bank;
  if (name === "jobs.accounts.sync_balance") {
    return account.balance === null || ledger.view(account.balance).balance !== ledger.view(point).balance;
  }
  return account.statement === null || differ(ledger.view(account.statement), ledger.view(point));
}

/** Versions of a row are separate objects, so identity tells a changed row from an unchanged one. */
function differ(a: LedgerView, b: LedgerView): boolean {
  return a.rows.length !== b.rows.length || a.rows.some((row, index) => row !== b.rows[index]);
}

/** Clients must compare the status without regard to case: each reply writes it its own way. */
export function statusHeader(seed: Seed, job: Job, ordinal: number): string {
  const { status } = job;
  const spellings = [status, status.toUpperCase(), status.charAt(0).toUpperCase() + status.slice(1)];
  return randomFor(seed, "status header", job.id, ordinal).pick(spellings);
}
