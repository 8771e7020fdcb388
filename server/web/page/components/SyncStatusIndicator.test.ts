import test from "ava";
import { createElement } from "react";
import type { Account, SyncState } from "../account_status.ts";
import type { Language } from "../words/language.tsx";
import { accountIn, phases, state } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { SyncStatusIndicator } from "./SyncStatusIndicator.tsx";

const html = (fields: Partial<SyncState>, of: Partial<Account> = {}, language: Language = "en"): string =>
  rendered(createElement(SyncStatusIndicator, { account: accountIn(fields, of), state: { ...state, ...fields } }), {
    language,
  });
const shows = (...args: Parameters<typeof html>): string => textOf(html(...args));

test("every state has a word, a shape and a tone of its own, in both languages", (t) => {
  const drawings = new Set<string>();
  for (const phase of phases) {
    const drawn = html({ phase });
    drawings.add(/<svg.*?<\/svg>/s.exec(drawn)?.[0] ?? "");
    t.regex(drawn, /class="status tone-\w+"/, phase);
    t.not(textOf(drawn), "", phase);
    if (phase !== "unlinked") t.not(textOf(drawn), shows({ phase }, {}, "fr"), phase);
  }
  t.is(drawings.size, phases.length, "no two states look alike to who sees no colours");
});

test("what is said of each state, and when it goes on", (t) => {
  t.is(shows({}), "Up to date Next sync tomorrow, 06:00.");
  t.is(shows({ phase: "never_synced" }, { lastSyncedAt: null }), "Never synced The first sync comes tomorrow, 06:00.");
  t.is(shows({ phase: "queued" }), "In line It begins as soon as there is room.");
  t.is(
    shows({ phase: "running", runPages: 2, runTransactions: 40, windowsLeft: 3 }),
    "Syncing 2 pages read, 40 new or changed and 3 stretches of days left.",
  );
  t.is(
    shows({ phase: "waiting", waitingUntil: "2026-03-10T11:12:00Z" }),
    "Waiting for the bank It is refreshing its data; asked again 12:12.",
  );
  t.is(
    shows({ phase: "retrying", lastFailureKind: "rate_limited", retryingAt: "2026-03-10T13:05:00Z" }),
    "Trying again The provider asked us to slow down. Next try 14:05.",
  );
  t.regex(shows({ phase: "needs_you" }), /^Needs you Your bank wants you to log in again\./);
  t.regex(shows({ phase: "needs_you" }, { accountType: "mobile_money" }), /^Needs you Your wallet's API key/);
  t.is(
    shows({ phase: "provider_down", providerDownUntil: "2026-03-10T13:05:00Z" }),
    "Bank is down Nothing is lost: it is asked again 14:05, and gaps are filled then.",
  );
  t.is(shows({ phase: "paused" }), "Paused Syncs of this account are paused.");
});
