import type { ReactNode } from "react";
import { type Account, statusOf, type SyncState } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { useSpeech } from "../words/language.tsx";
import { StatusShape } from "./StatusShape.tsx";

/** State and last sync of one account: a shape, a word, and a sentence. A sync that comes and goes moves nothing else. */
export function SyncStatusIndicator({ account, state }: { account: Account; state: SyncState }): ReactNode {
  const speech = useSpeech();
  const now = useNow();
  const { shape, tone, word, detail } = statusOf(account, state, speech, now);
  return (
    <div className={`status tone-${tone}`}>
      <p className="status-word">
        <StatusShape phase={shape} />
        <span>{word}</span>
      </p>
      <p className="status-detail">{detail}</p>
    </div>
  );
}
