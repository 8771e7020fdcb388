import type { ReactNode } from "react";
import { type Account, freshnessOf, isFetching, type SyncState } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { stretchesOf } from "../coverage.ts";
import { useSpeech } from "../words/language.tsx";

/** The tidemark: an account's days from first to today, and which of them are known complete. */
export function CoverageStrip({ account, state }: { account: Account; state: SyncState }): ReactNode {
  const speech = useSpeech();
  const { words, formats } = speech;
  const now = useNow();
  const today = new Intl.DateTimeFormat("sv-SE", { timeZone: formats.timeZone, dateStyle: "short" }).format(now);
  const stretches = stretchesOf(account, state, today);
  const freshness = <p className="freshness">{freshnessOf(account, state, speech, now)}</p>;
  if (stretches === null) {
    return (
      <div className="strip">
        {freshness}
        <p className="strip-none">{words.detail.noList}</p>
      </div>
    );
  }
  const mark = stretches.findLastIndex(({ kind }) => kind === "complete");
  const [first] = stretches;
  if (first === undefined) return null;
  const start = formats.day(first.fromDay, now);
  // Everything else is in the sentence above.
  const label = words.coverage.label(start, words.coverage.today);
  return (
    <div className={`strip ${isFetching(state) ? "strip-fetching" : ""}`}>
      {freshness}
      <div className="strip-bar" role="img" aria-label={label}>
        {stretches.map(({ kind, fromDay, toDay, days }, index) => (
          <span
            key={fromDay}
            className={`stretch stretch-${kind} ${index === mark ? "is-mark" : ""}`}
            style={{ flexGrow: days }}
            title={`${formats.days(fromDay, toDay, now)}: ${wordFor(kind)}`}
          />
        ))}
      </div>
      <div className="strip-ends" aria-hidden="true">
        <span>{start}</span>
        <span>{words.coverage.today}</span>
      </div>
    </div>
  );

  function wordFor(kind: "complete" | "open" | "missing" | "unread"): string {
    if (kind === "complete") return words.coverage.complete;
    if (kind === "open") return words.coverage.open;
    return isFetching(state) ? words.coverage.fetching : words.coverage.missing;
  }
}
