import test from "ava";
import { createElement } from "react";
import { ActivityDocument, type RunPartsFragment, type TransactionPartsFragment } from "../graphql/operations.ts";
import { account } from "../testing/accounts.ts";
import { answered, rendered, textOf } from "../testing/rendered.ts";
import { RecentActivity } from "./RecentActivity.tsx";

const run: RunPartsFragment = {
  id: "9",
  trigger: "user",
  status: "success",
  syncStartedAt: "2026-03-10T11:04:00Z",
  syncCompletedAt: "2026-03-10T11:05:00Z",
  transactionsSynced: 2,
  pages: 1,
  seenCount: 40,
  newCount: 1,
  changedCount: 1,
  unchangedCount: 38,
  removedCount: 0,
  refusedCount: 0,
  refusals: null,
  windows: [{ from: "2026-03-07", to: "2026-03-10", complete: true }],
  failureKind: null,
  errorMessage: null,
  nextSyncAt: "2026-03-11T05:00:00Z",
};
const transaction: TransactionPartsFragment = {
  id: "1",
  status: "posted",
  direction: "debit",
  amount: "1500.5",
  currency: "NGN",
  occurredAt: "2026-03-09T09:00:00Z",
  occurredOn: "2026-03-09",
  narration: "GROCERIES",
  counterparty: null,
  firstSeenAt: "2026-03-09T10:00:00Z",
  changedAt: null,
  revision: 1,
};
const html = (transactions: TransactionPartsFragment[], runs: RunPartsFragment[] = [run]): string =>
  rendered(createElement(RecentActivity, { account: { ...account, latestRun: run }, arrivals: 0 }), {
    answers: [
      answered(
        ActivityDocument,
        { accountId: account.id },
        { account: { id: account.id, transactions: { nodes: transactions }, syncLogs: { nodes: runs } } },
      ),
    ],
  });
const marks = (drawn: string): string[] =>
  [...drawn.matchAll(/class="mark mark-(\w+)"/g)].map(([, mark]) => mark ?? "");
const told = (fields: Partial<RunPartsFragment>): string =>
  textOf(/<ul class="runs">.*<\/ul>/s.exec(html([transaction], [{ ...run, ...fields }]))?.[0] ?? "");

test("new, pending, changed, failed and withdrawn transactions are told apart; a posted one that was known is left plain", (t) => {
  const drawn = html([
    { ...transaction, id: "2", firstSeenAt: "2026-03-10T11:04:30Z" },
    { ...transaction, id: "3", status: "pending" },
    { ...transaction, id: "4", changedAt: "2026-03-10T11:04:30Z", revision: 2 },
    { ...transaction, id: "5", status: "failed" },
    { ...transaction, id: "6", status: "removed" },
    transaction,
  ]);
  t.deepEqual(marks(drawn), ["fresh", "pending", "changed", "failed", "removed"]);
  t.is(drawn.match(/<s>/g)?.length, 2, "what did not happen is struck out");
});

test("after a first sync all are new, and none is marked", (t) => {
  t.deepEqual(marks(html([{ ...transaction, firstSeenAt: "2026-03-10T11:04:30Z" }])), []);
});

test("money that comes in has a plus, and days are the provider's", (t) => {
  t.regex(textOf(html([{ ...transaction, direction: "credit" }])), /yesterday GROCERIES \+₦1,500\.50/);
  t.regex(textOf(html([transaction])), /yesterday GROCERIES -₦1,500\.50/);
});

test("the log tells what was looked at, found, changed and left out, why, and what comes next", (t) => {
  t.regex(told({}), /^Up to date 12:04 you asked Looked at 7\s?–\s?10 Mar · 1 new, 1 changed · next tomorrow, 06:00$/);
  t.regex(told({ newCount: 0, changedCount: 0 }), /nothing new/);
  t.regex(
    told({ refusedCount: 2, refusals: { missing_id: 1, inexact_amount: 1 } }),
    /2 left out \(without an id and amount unreadable\)/,
  );
  t.regex(
    told({ status: "failed", failureKind: "provider_down", newCount: 0, changedCount: 0, windows: [] }),
    /^Failed 12:04 you asked There was no answer\. Next tomorrow, 06:00$/,
  );
  t.regex(told({ status: "auth_error", failureKind: "auth_required" }), /^Refused .*The link was refused\./);
});
