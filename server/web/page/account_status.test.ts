import test from "ava";
import { type Account, freshnessOf, nextTurn, statusOf, type SyncState } from "./account_status.ts";
import { account, now, speech, state } from "./testing/accounts.ts";

const told = (fields: Partial<SyncState>, of: Partial<Account> = {}, language: "en" | "fr" = "en") => {
  const changed = { ...state, ...fields };
  return statusOf({ ...account, ...of, syncState: changed }, changed, speech(language), now);
};
const fresh = (fields: Partial<SyncState>, of: Partial<Account> = {}, language: "en" | "fr" = "en") => {
  const changed = { ...state, ...fields };
  return freshnessOf({ ...account, ...of, syncState: changed }, changed, speech(language), now);
};

test("each phase is told by its word, and by the moment that belongs to it", (t) => {
  t.like(told({}), { word: "Up to date", detail: "Next sync tomorrow, 06:00.", tone: "good" });
  t.like(told({ phase: "never_synced" }, { lastSyncedAt: null }), {
    word: "Never synced",
    detail: "The first sync comes tomorrow, 06:00.",
  });
  t.like(told({ phase: "running" }), { word: "Syncing", detail: "Asking for what is new." });
  t.like(told({ phase: "running", runPages: 3, runTransactions: 120, windowsLeft: 2 }), {
    detail: "3 pages read, 120 new or changed and 2 stretches of days left.",
  });
  t.like(told({ phase: "waiting", waitingUntil: "2026-03-10T11:12:00Z" }), {
    word: "Waiting for the bank",
    detail: "It is refreshing its data; asked again 12:12.",
  });
  t.like(told({ phase: "retrying", lastFailureKind: "transient", retryingAt: "2026-03-10T11:25:00Z" }), {
    word: "Trying again",
    detail: "The connection broke off. Next try 12:25.",
  });
  t.like(told({ phase: "needs_you" }), { word: "Needs you", tone: "alert" });
  t.like(told({ phase: "provider_down", providerDownUntil: "2026-03-10T11:40:00Z" }), {
    word: "Bank is down",
    detail: "Nothing is lost: it is asked again 12:40, and gaps are filled then.",
  });
  t.like(told({ phase: "provider_down" }, { accountType: "mobile_money" }), { word: "MTN MoMo is down" });
  t.like(told({ phase: "paused", pausedUntil: "2026-03-12T08:00:00Z" }), {
    word: "Paused",
    detail: "Syncs are paused until Thu, 12 Mar, 09:00.",
  });
});

test("a moment that has passed is told no more", (t) => {
  const past = "2026-03-10T11:09:00Z";
  t.notRegex(told({ phase: "waiting", waitingUntil: past }).detail, /12:09/);
  t.notRegex(told({ phase: "retrying", lastFailureKind: "transient", retryingAt: past }).detail, /12:09/);
  t.notRegex(told({ phase: "provider_down", providerDownUntil: past }).detail, /12:09/);
});

test("freshness: when, how far, what is missing, and whether it is being fetched", (t) => {
  t.is(fresh({}), "Updated 5 min ago, complete through 6 Mar.");
  const gaps = [{ fromDay: "2026-03-03", toDay: "2026-03-05" }];
  t.is(fresh({ gaps }), "Updated 5 min ago, complete through 6 Mar; 3–5 Mar missing, fetched next.");
  t.is(fresh({ gaps, phase: "running" }), "Updated 5 min ago, complete through 6 Mar; 3–5 Mar missing, being fetched.");
  t.is(
    fresh({ settled: [{ fromDay: "2025-12-01", toDay: "2026-03-09" }] }),
    "Updated 5 min ago, complete through yesterday.",
  );
  const many = ["2026-01-01", "2026-01-05", "2026-01-09"].map((day) => ({ fromDay: day, toDay: day }));
  t.regex(fresh({ gaps: many }), /1 Jan, 5 Jan and 1 more gap missing/);
  t.is(fresh({}, { lastSyncedAt: null }), "");
  t.is(fresh({}, {}, "fr").replaceAll(/\s/g, " "), "Actualisé il y a 5 min, complet jusqu’au 6 mars.");
});

test("a source that cannot list transactions is complete through no day", (t) => {
  t.is(fresh({ historyStart: null, settled: [], openReferences: 2 }), "Updated 5 min ago. 2 payments are still open.");
});

test("the page asks again when the nearest moment has come, and never about the past", (t) => {
  const at = (fields: Partial<SyncState>) => nextTurn({ ...account, syncState: { ...state, ...fields } }, now);
  t.is(at({ coolingDownUntil: "2026-03-10T11:15:00Z" }), Date.parse("2026-03-10T11:15:00Z"));
  t.is(at({ coolingDownUntil: "2026-03-10T11:05:00Z" }), Date.parse("2026-03-11T05:00:00Z"));
  t.is(at({ nextSyncAt: null }), null);
});
