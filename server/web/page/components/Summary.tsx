import type { ReactNode } from "react";
import type { Account } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { useConnection } from "../connection.ts";
import type { SyncPhase } from "../graphql/operations.ts";
import { type Speech, useSpeech } from "../words/language.tsx";

/** The whole page in a sentence: the worst, since that is what somebody came to see, and whether the rest is well. */
export function Summary({ accounts }: { accounts: readonly Account[] }): ReactNode {
  const { words, formats } = useSpeech();
  const now = useNow();
  const { isOnline, lastAnswerAt } = useConnection();
  const { worst, rest } = summaryOf(accounts, words);
  return (
    <div className="summary" role="status">
      <div className="summary-told">
        <h1>{worst}</h1>
        <p key={worst} className="summary-rest">
          {rest}
        </p>
      </div>
      <p className={`summary-offline ${isOnline ? "" : "is-shown"}`}>
        {isOnline ? null : (
          <>
            <svg className="shape" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
              <path d="M2 2l12 12M1.5 6.5a9.5 9.5 0 0 1 3-2M7 3.6a9.5 9.5 0 0 1 7.5 2.9M4 9.3a6 6 0 0 1 2.5-1.5M10.5 8.2A6 6 0 0 1 12 9.3M8 12.6v.1" />
            </svg>
            <span>
              <strong>{navigator.onLine ? words.summary.unreachable : words.summary.offline}</strong>{" "}
              {lastAnswerAt === null
                ? words.summary.offlineUnknown
                : words.summary.offlineSince(formats.moment(lastAnswerAt, now))}
            </span>
          </>
        )}
      </p>
    </div>
  );
}

export function summaryOf(accounts: readonly Account[], { summary }: Speech["words"]): { worst: string; rest: string } {
  const linked = accounts.filter(({ unlinkedAt }) => unlinkedAt === null);
  const count = (...phases: SyncPhase[]): number =>
    linked.filter(({ syncState }) => syncState !== null && phases.includes(syncState.phase)).length;
  const tell = (n: number, sentence: (n: number) => string): { worst: string; rest: string } => ({
    worst: sentence(n),
    rest: n < linked.length && count("up_to_date") === linked.length - n ? summary.restFresh : "",
  });
  if (linked.length === 0) return { worst: summary.none, rest: "" };
  const needing = count("needs_you");
  if (needing > 0) return tell(needing, summary.needsYou);
  const troubled = count("retrying", "provider_down");
  if (troubled > 0) return tell(troubled, summary.troubled);
  const syncing = count("running", "waiting");
  if (syncing > 0) return tell(syncing, summary.syncing);
  const first = linked.filter(({ lastSyncedAt }) => lastSyncedAt === null).length;
  if (first > 0) return tell(first, summary.first);
  const paused = count("paused");
  if (paused > 0) return tell(paused, summary.paused);
  return { worst: summary.allFresh, rest: "" };
}
