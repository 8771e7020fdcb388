import { createElement, type ReactNode } from "react";
import { renderToStaticMarkup } from "react-dom/server";
import type { Account, SyncState } from "../account_status.ts";
import { type Language, Speaking, speechIn } from "../words/language.tsx";

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

/** What a component shows, as HTML without React's own marks. */
export const rendered = (node: ReactNode, language: Language = "en"): string =>
  renderToStaticMarkup(createElement(Speaking, { speech: speech(language), children: node }));

export const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]+>/g, " ")
    .replaceAll(/\s+/g, " ")
    .replaceAll("&#x27;", "'")
    .replaceAll("&amp;", "&")
    .trim();
