/**
 * The one interface behind which every platform lives, and the words it speaks.
 *
 * A platform talks to its provider and *tells* what it saw, step by step; it knows no SQL. `sync_account.ts` writes
 * each step down through the verbs of db/functions. That is why a platform can be tested without a database, and the
 * database without a platform.
 */

import type { Exchange } from "../@http/exchange.ts";

/** accounts.platform_source; also the folder name under tasks/@providers (mtn_momo → momo). */
export type PlatformSource = "mono" | "mtn_momo";

/** Where an account's transactions come from. Only `mono` and `statement` have windows and coverage. */
export type Source = "mono" | "collections" | "statement";

/** A calendar day of the provider (never the user's), `YYYY-MM-DD`. */
export type Day = string;

/** A moment, ISO 8601 in UTC with milliseconds. */
export type Instant = string;

/** Exact money in major units: `-?\d+(\.\d+)?`. Never a JavaScript number. */
export type Decimal = string;

/** Days to fetch, both ends included. */
export type Window = { source: Source; from: Day; to: Day };

/** One transaction as its provider tells it, parsed and exact. */
export type IncomingTransaction = {
  /** Mono's transaction id, MoMo's reference id, or a statement row's fingerprint. Unique within the account. */
  id: string;
  status: "pending" | "posted" | "failed";
  direction: "credit" | "debit";
  /** Never negative; `direction` carries the sign. */
  amount: Decimal;
  /** ISO 4217. */
  currency: string;
  occurredAt: Instant;
  occurredOn: Day;
  narration: string | null;
  /** The provider's own category, null where it says "unknown". */
  category: string | null;
  balanceAfter: Decimal | null;
  counterparty: string | null;
};

/** Why a row was refused. Refused rows are counted and named in the sync log, never guessed at. */
export type RefusalReason = "missing_id" | "inexact_amount" | "invalid_date" | "invalid_direction" | "invalid_row";

/** What was learned by polling one tracked reference of the `collections` source. */
export type PolledReference = {
  referenceId: string;
  /** open: ask again later; settled: terminal; unknown: the provider never accepted it (404). */
  outcome: "open" | "settled" | "unknown";
};

/** What a platform tells while it brings one account up to date. */
export type SyncStep =
  | {
      kind: "page";
      window: Window;
      /** 1-based. A step with page 1 begins the window (again): what earlier pages of it deferred is forgotten. */
      page: number;
      rows: IncomingTransaction[];
      refused: RefusalReason[];
      /**
       * Set on a window's last page, and only when the window was coherent: its distinct ids equalled the provider's
       * total, unchanged from first page to last. `ids` are all of the window's ids; `settles` is false when the
       * provider said that its data may be partial, so that rows are saved but no day counts as complete.
       */
      complete: { ids: string[]; settles: boolean } | null;
    }
  | { kind: "references"; rows: IncomingTransaction[]; refused: RefusalReason[]; polled: PolledReference[] }
  | { kind: "balance"; amount: Decimal; currency: string; asOf: Instant }
  /** The moment the provider's data speaks for (Mono: the start of the last *finished* real-time job). */
  | { kind: "data_as_of"; asOf: Instant }
  /** The platform's own memory for the next run or resumption, opaque to SQL. */
  | { kind: "state"; state: PlatformState }
  /** The provider needs time. The run stays open with no holder, the job ends; nothing may follow this step. */
  | { kind: "suspend"; until: Instant; state: PlatformState };

/** JSON that a platform keeps between its runs, parsed by the platform's own schema when it comes back. */
export type PlatformState = { [key: string]: string | number | boolean | null };

/** A tracked MoMo reference that is due for polling. Base URL and environment are its own: MTN is moving platforms. */
export type OpenReference = {
  referenceId: string;
  operation: "requesttopay" | "requesttowithdraw";
  baseUrl: string;
  targetEnvironment: string;
  requestedAt: Instant;
};

/** An account whose lease we hold, with all that its platform needs. */
export type LeasedAccount = {
  accountId: string;
  runId: string;
  epoch: number;
  platform: PlatformSource;
  /** accounts.mono_account_id, or accounts.mtn_reference_id (the wallet's API user). */
  externalId: string;
  currency: string;
  baseUrl: string;
  /** MoMo's X-Target-Environment, null for Mono. */
  targetEnvironment: string | null;
  /** True when this is the continuation of a run that was suspended. */
  resumed: boolean;
  /** Whether a refresh that costs money may be asked for: the day's cap has room. */
  mayRefresh: boolean;
  state: PlatformState;
  /** Days to fetch, oldest first, already cut to provider-sized pieces. Empty for `collections`. */
  windows: Window[];
  openReferences: OpenReference[];
  /** Opened credentials by kind (`momo_api_key`, `momo_subscription_key`, `madapi_client_id`, …). */
  credentials: Record<string, string>;
};

/** Decided by the provider's code, not only its status. One policy per kind: db/functions/failure_policy.sql. */
export type FailureKind =
  | "transient"
  | "rate_limited"
  | "auth_required"
  | "account_gone"
  | "provider_down"
  | "invalid_response"
  | "configuration"
  | "interrupted";

/** A failure ready to be written down: no secret, account number or phone number in any field. */
export type SyncFailure = {
  kind: FailureKind;
  /** One sentence for people, at most 200 characters. */
  message: string;
  /** The provider's own code or short message, redacted; null where it gave none. */
  code: string | null;
  /** When the provider asked us to come back (Retry-After), null where it did not. */
  retryAt: Instant | null;
};

/** A token that several workers share, for as long as it lives. */
export type TokenCache = {
  /**
   * A token with at least ten minutes to live. `mint` runs when there is none, once at a time however many ask.
   */
  get(mint: () => Promise<{ token: string; expiresInSeconds: number }>): Promise<string>;
  /** The provider refused this token: the next `get` mints a new one. A newer one that replaced it stays. */
  forget(token: string): Promise<void>;
};

/** What a MoMo wallet is opened with: its API user and that user's key. */
export type WalletKey = { apiUser: string; apiKey: string };

export type SyncContext = {
  /** Business time: the database's app_private.clock(), so that a virtual week can pass in seconds. */
  now(): Date;
  /** Aborted when the worker stops or the run has lasted too long. */
  signal: AbortSignal;
  /**
   * Asked before each request to the provider: resolves when it may be sent. Throws QuotaWaitError when that will not be
   * soon, so that the run waits in the database and not in a worker.
   */
  permit(): Promise<void>;
  /** Told of each request to the provider that was sent: Call.told. */
  told?(exchange: Exchange): void;
  /** The shared token of this account's wallet, by purpose (`collections`, `statement`). */
  tokens(purpose: string): TokenCache;
  /**
   * The provider refused the wallet's key. Resolves with the one that takes its place, stored for every account of the
   * wallet: `make` asks the provider for it, unless another worker did so meanwhile; null where it answers null, or where this
   * key may not be renewed (it never worked here, or was renewed within the last day). Throws RunWaitError while another
   * worker is at it.
   */
  renewKey(
    refused: string,
    make: (about: { hasOpenReferences: boolean }) => Promise<WalletKey | null>,
  ): Promise<WalletKey | null>;
};

export type Platform = {
  name: PlatformSource;
  /** Brings one account up to date. Throws provider errors as they are; `explain` makes sense of them. */
  sync(account: LeasedAccount, context: SyncContext): AsyncGenerator<SyncStep, void, void>;
  /** Turns whatever `sync` threw into a failure. May ask the provider whose fault a 401 is (once a minute at most). */
  explain(error: unknown, context: Pick<SyncContext, "now" | "signal">): Promise<SyncFailure>;
  /**
   * Ends an account's link at the provider; resolves when it has confirmed, or no longer knows the account. Throws provider
   * errors as they are. Absent where a provider has nothing to be told.
   */
  unlink?(externalId: string, by: Pick<SyncContext, "signal" | "permit">): Promise<void>;
  /** Closes keep-alive connections. */
  close(): Promise<void>;
};
