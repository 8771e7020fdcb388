import test from "ava";
import { createElement } from "react";
import type { Account } from "../account_status.ts";
import { account, accountIn, platform, state } from "../testing/accounts.ts";
import { rendered, textOf } from "../testing/rendered.ts";
import { LinkedAccountsList } from "./LinkedAccountsList.tsx";

const momo = { ...platform, platformSource: "mtn_momo", label: "MTN MoMo API" } as const;
const html = (accounts: readonly Account[], language: "en" | "fr" = "en"): string =>
  rendered(
    createElement(LinkedAccountsList, {
      data: { accounts: { nodes: accounts }, platformSyncStatus: [platform, momo], syncSettings: [] },
      arrivals: new Map(),
      focus: null,
    }),
    { language },
  );
const shows = (...args: Parameters<typeof html>): string => textOf(html(...args));

const wallet = accountIn(
  { historyStart: null, settled: [] },
  {
    id: "acc00000-0000-4000-8000-000000000002",
    accountName: "Till",
    accountType: "mobile_money",
    platformSource: "mtn_momo",
    institution: "MTN MoMo",
    currency: "XAF",
    balance: "1250000",
  },
);

test("accounts stand under their platform; a platform without any, and what was unlinked, is not there", (t) => {
  t.regex(
    shows([account, wallet]),
    /Banks Last synced via Mono.*Salary.*Mobile money Last synced via MTN MoMo API.*Till/,
  );
  t.notRegex(shows([account]), /Mobile money/);
  t.notRegex(shows([account, { ...wallet, unlinkedAt: "2026-03-01T00:00:00Z" }]), /Mobile money|Till/);
});

test("amounts are exact, in the account's own currency and the reader's way", (t) => {
  t.regex(shows([account]), /₦9,007,199,254,740,993\.07/);
  t.regex(shows([wallet]), /FCFA\s?1,250,000/);
  t.regex(shows([wallet], "fr"), /1 250 000\s?FCFA/);
  t.regex(shows([{ ...account, balance: null }]), /Balance not known yet/);
});

test("how fresh, complete through which day, and what is missing, in a sentence and in a strip", (t) => {
  const gappy = accountIn({
    phase: "running",
    settled: [
      { fromDay: "2025-12-01", toDay: "2026-03-02" },
      { fromDay: "2026-03-06", toDay: "2026-03-09" },
    ],
    gaps: [{ fromDay: "2026-03-03", toDay: "2026-03-05" }],
  });
  const drawn = html([gappy]);
  t.regex(textOf(drawn), /Updated 5 min ago, complete through yesterday; 3\s?–\s?5 Mar missing, being fetched\./);
  const strip = [...drawn.matchAll(/class="stretch stretch-(\w+)[^"]*" style="flex-grow:(\d+)"/g)];
  t.deepEqual(
    strip.map(([, kind, days]) => `${kind} ${days}`),
    ["complete 92", "missing 3", "complete 4", "open 1"],
  );
  t.regex(drawn, /title="3\s?–\s?5 Mar: being fetched"/);
  t.regex(drawn, /aria-busy="true"/);
});

test("an account that needs its owner has the one button that mends it, and no other", (t) => {
  const needy = shows([accountIn({ phase: "needs_you" })]);
  t.regex(needy, /Log in at the bank/);
  t.notRegex(needy, /Sync now/);
  t.regex(shows([{ ...wallet, syncState: { ...state, phase: "needs_you" } }]), /Enter a new key/);
});

test("a wallet whose payments nobody lists says so instead of drawing days", (t) => {
  t.regex(shows([wallet]), /Follows the payments that your app requests/);
  t.notRegex(html([wallet]), /strip-bar/);
});
