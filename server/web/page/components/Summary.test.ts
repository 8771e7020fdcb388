import test from "ava";
import { createElement } from "react";
import type { Account } from "../account_status.ts";
import { connection } from "../connection.ts";
import { account, accountIn, speech } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { Summary, summaryOf } from "./Summary.tsx";

const { words } = speech();
const told = (accounts: readonly Account[]): string => {
  const { worst, rest } = summaryOf(accounts, words);
  return rest === "" ? worst : `${worst} ${rest}`;
};

test("the page in a sentence: the worst first, and whether the rest is well", (t) => {
  const fine = account;
  const needy = accountIn({ phase: "needs_you" });
  const busy = accountIn({ phase: "running" });
  const down = accountIn({ phase: "provider_down" });
  const fresh = accountIn({ phase: "never_synced" }, { lastSyncedAt: null });
  t.is(told([]), "No account is linked yet.");
  t.is(told([fine, fine]), "Everything is up to date.");
  t.is(told([needy, fine, fine]), "1 account needs you. The others are up to date.");
  t.is(told([busy, needy, down]), "1 account needs you.");
  t.is(told([down, down, busy]), "2 accounts are waiting to be tried again.");
  t.is(told([busy, fine]), "1 account is syncing. The others are up to date.");
  t.is(told([fresh]), "1 account awaits its first sync.");
  t.is(told([accountIn({ phase: "paused" })]), "1 account is paused.");
  t.is(told([{ ...needy, unlinkedAt: "2026-03-01T00:00:00Z" }, fine]), "Everything is up to date.");
});

test("without an answer it is marked that this is the last that was known", (t) => {
  t.notRegex(textOf(rendered(createElement(Summary, { accounts: [account] }))), /offline|cannot be reached/);
  connection.lost();
  t.regex(
    textOf(rendered(createElement(Summary, { accounts: [account] }))),
    /Everything is up to date\. (?:You are offline|Tidemark cannot be reached)\. This is what was known last\./,
  );
});
