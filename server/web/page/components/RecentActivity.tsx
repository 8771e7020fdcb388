import { type ReactNode, useEffect } from "react";
import { useQuery } from "urql";
import type { Account } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { ActivityDocument, type TransactionPartsFragment } from "../graphql/operations.ts";
import { useSpeech } from "../words/language.tsx";
import { SyncLogList } from "./SyncLogList.tsx";

/** An account's latest transactions as they arrive, and what its latest syncs did. */
export function RecentActivity({ account, arrivals }: { account: Account; arrivals: number }): ReactNode {
  const { words } = useSpeech();
  const [{ data, fetching, stale }, ask] = useQuery({
    query: ActivityDocument,
    variables: { accountId: account.id },
    requestPolicy: "cache-and-network",
  });
  const { latestRun } = account;
  // A run's counts say that there is something to read, also where nothing new arrived but something changed.
  const news = `${latestRun?.id ?? ""} ${latestRun?.status ?? ""} ${latestRun?.transactionsSynced ?? 0} ${arrivals}`;
  useEffect(() => ask({ requestPolicy: "network-only" }), [news, ask]);
  const activity = data?.account ?? null;
  if (activity === null) {
    return <p className="quiet">{fetching || stale ? words.activity.loading : words.activity.unavailable}</p>;
  }
  return (
    <div className="activity">
      <section>
        <h4>{words.activity.transactions}</h4>
        <Transactions
          transactions={activity.transactions.nodes}
          freshSince={latestRun?.status === "failed" ? null : (latestRun?.syncStartedAt ?? null)}
        />
      </section>
      <section>
        <h4>{words.activity.log}</h4>
        <SyncLogList runs={activity.syncLogs.nodes} />
      </section>
    </div>
  );
}

function Transactions({
  transactions,
  freshSince,
}: {
  transactions: readonly TransactionPartsFragment[];
  freshSince: string | null;
}): ReactNode {
  const { words, formats } = useSpeech();
  const now = useNow();
  // After the first sync all are new, and none of them stands out.
  const isNothingOld = transactions.every(({ firstSeenAt }) => isSince(firstSeenAt, freshSince));
  if (transactions.length === 0) return <p className="quiet">{words.activity.noTransactions}</p>;
  return (
    <ul className="transactions">
      {transactions.map((transaction) => {
        const { id, status, direction, amount, currency, occurredOn, narration, counterparty } = transaction;
        const signed = direction === "debit" ? `-${amount}` : amount;
        const isGone = status === "failed" || status === "removed";
        return (
          <li key={id} className={`transaction transaction-${status}`}>
            <span className="transaction-day">{formats.day(occurredOn, now)}</span>
            <span className="transaction-words">
              {counterparty ?? narration ?? words.activity.noWords}
              {marksOf(transaction, isNothingOld ? null : freshSince).map((mark) => (
                <span key={mark} className={`mark mark-${mark}`}>
                  {words.activity[mark]}
                </span>
              ))}
            </span>
            <span className={`amount ${direction === "credit" ? "amount-in" : ""}`}>
              {isGone ? (
                <s>{formats.money(signed, currency, { sign: true })}</s>
              ) : (
                formats.money(signed, currency, { sign: true })
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

type Mark = "pending" | "failed" | "removed" | "changed" | "fresh";

/** What sets a transaction apart from the usual one, which is posted and was known before. */
function marksOf({ status, changedAt, firstSeenAt }: TransactionPartsFragment, freshSince: string | null): Mark[] {
  const marks: Mark[] = [];
  if (status !== "posted") marks.push(status);
  if (isSince(firstSeenAt, freshSince)) marks.push("fresh");
  else if (changedAt !== null && status !== "removed") marks.push("changed");
  return marks;
}

const isSince = (instant: string, since: string | null): boolean =>
  since !== null && Date.parse(instant) >= Date.parse(since);
