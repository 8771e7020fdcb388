import type { Account, SyncState } from "../account_status.ts";
import type { AccountsQuery, SyncPhase } from "../graphql/operations.ts";
import { type Language, speechIn } from "../words/language.tsx";

/** Ten minutes past noon in Lagos. */
export const now = new Date("2026-03-10T11:10:00Z");

export const state: SyncState = {
  phase: "up_to_date",
  nextSyncAt: "2026-03-11T05:00:00Z",
  waitingUntil: null,
  coolingDownUntil: null,
  retryingAt: null,
  providerDownUntil: null,
  pausedUntil: null,
  failures: 0,
  lastFailureKind: null,
  runStartedAt: null,
  runPages: null,
  runTransactions: null,
  windowsLeft: null,
  openReferences: 0,
  historyStart: "2025-12-01",
  settled: [{ fromDay: "2025-12-01", toDay: "2026-03-06" }],
  gaps: [],
};

export const account: Account = {
  id: "acc00000-0000-4000-8000-000000000001",
  accountName: "Salary",
  accountType: "bank",
  platformSource: "mono",
  institution: "GTBank",
  currency: "NGN",
  balance: "9007199254740993.07",
  balanceAsOf: "2026-03-10T11:04:00Z",
  mtnReferenceId: null,
  syncStatus: "active",
  lastSyncedAt: "2026-03-10T11:05:00Z",
  lastSyncAttempt: "2026-03-10T11:05:00Z",
  dataAsOf: "2026-03-10T11:04:00Z",
  coverageThrough: "2026-03-06",
  linkedAt: "2026-03-01T09:00:00Z",
  unlinkedAt: null,
  syncState: state,
  latestRun: null,
};

export const speech = (language: Language = "en") =>
  speechIn(language, { locale: language === "en" ? "en-NG" : "fr-CM", timeZone: "Africa/Lagos" });

/** An account in a state: what is given differs from `account`, which is up to date. */
export const accountIn = (fields: Partial<SyncState>, of: Partial<Account> = {}): Account => ({
  ...account,
  ...of,
  syncState: { ...state, ...fields },
});

export const platform: AccountsQuery["platformSyncStatus"][number] = {
  platformSource: "mono",
  label: "Mono",
  syncedVia: "Last synced via Mono",
  accounts: 1,
  activeAccounts: 1,
  authRequiredAccounts: 0,
  errorAccounts: 0,
  runningAccounts: 0,
  lastSyncedAt: "2026-03-10T11:05:00Z",
  lastSyncAttempt: "2026-03-10T11:05:00Z",
  nextSyncAt: "2026-03-11T05:00:00Z",
  successRate: 1,
  medianDurationSeconds: 3,
  pausedUntil: null,
  providerDownUntil: null,
};

export const phases = [
  "never_synced",
  "up_to_date",
  "queued",
  "running",
  "waiting",
  "retrying",
  "needs_you",
  "provider_down",
  "paused",
  "unlinked",
] as const satisfies readonly SyncPhase[];
