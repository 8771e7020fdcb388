import test from "ava";
import { createElement } from "react";
import { connection } from "../connection.ts";
import { account, accountIn, speech } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { Summary, summaryOf } from "./Summary.tsx";

const { words } = speech();

test("the page in a sentence: the worst first, and whether the rest is well", (t) => {
  const fine = account;
  const needy = accountIn({ phase: "needs_you" });
  const busy = accountIn({ phase: "running" });
  const down = accountIn({ phase: "provider_down" });
  const fresh = accountIn({ phase: "never_synced" }, { lastSyncedAt: null });
  t.is(summaryOf([], words), "No account is linked yet.");
  t.is(summaryOf([fine, fine], words), "Everything is up to date.");
  t.is(summaryOf([needy, fine, fine], words), "1 account needs you. The others are up to date.");
  t.is(summaryOf([busy, needy, down], words), "1 account needs you.");
  t.is(summaryOf([down, down, busy], words), "2 accounts are waiting to be tried again.");
  t.is(summaryOf([busy, fine], words), "1 account is syncing. The others are up to date.");
  t.is(summaryOf([fresh], words), "1 account is about to be synced for the first time.");
  t.is(summaryOf([accountIn({ phase: "paused" })], words), "1 account is paused.");
  t.is(summaryOf([{ ...needy, unlinkedAt: "2026-03-01T00:00:00Z" }, fine], words), "Everything is up to date.");
});

test("without an answer it is marked that this is the last that was known", (t) => {
  t.notRegex(textOf(rendered(createElement(Summary, { accounts: [account] }))), /offline|cannot be reached/);
  connection.lost();
  t.regex(
    textOf(rendered(createElement(Summary, { accounts: [account] }))),
    /Everything is up to date\. (?:You are offline|Tidemark cannot be reached)\. This is what was known last\./,
  );
});
