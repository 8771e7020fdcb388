import type { ReactNode } from "react";
import { type Account, freshnessOf, statusOf, type SyncState } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { useSpeech } from "../words/language.tsx";
import { StatusShape } from "./StatusShape.tsx";

/** State and last sync of one account: a shape, a word, and a sentence or two. Takes the same room in every state. */
export function SyncStatusIndicator({ account, state }: { account: Account; state: SyncState }): ReactNode {
  const speech = useSpeech();
  const now = useNow();
  const { phase, tone, word, detail } = statusOf(account, state, speech, now);
  const freshness = freshnessOf(account, state, speech, now);
  return (
    <div className={`status tone-${tone}`}>
      <p className="status-word">
        <StatusShape phase={phase} />
        <span>{word}</span>
      </p>
      <p className="status-detail">{detail === "" ? freshness : detail}</p>
      {detail !== "" && freshness !== "" && <p className="status-freshness">{freshness}</p>}
    </div>
  );
}
