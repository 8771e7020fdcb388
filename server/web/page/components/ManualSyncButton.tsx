import { type ReactNode, useEffect, useRef, useState } from "react";
import { useMutation } from "urql";
import type { Account, SyncState } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { RequestSyncDocument, type SyncRequestOutcome } from "../graphql/operations.ts";
import { onSent, useIsKept } from "../outbox.ts";
import { ACCOUNT_HEADER, KEY_HEADER } from "../outbox_messages.ts";
import { useSession } from "../session_context.ts";
import { type Speech, useSpeech } from "../words/language.tsx";

/** What became of the last tap, until the account itself tells more. */
type Told =
  | { kind: "outcome"; outcome: SyncRequestOutcome; until: string | null; wasKept?: boolean }
  | { kind: "failed" | "refused" };

const PLATFORMS = { mono: "Mono", mtn_momo: "MTN MoMo API" } as const;

/**
 * Asks for a sync of one account. Each tap has an idempotency key of its own; a tap while one is under way is none. Without
 * a network the service worker keeps the request and sends it once.
 */
export function ManualSyncButton({ account, state }: { account: Account; state: SyncState }): ReactNode {
  const { words, formats } = useSpeech();
  const session = useSession();
  const now = useNow();
  const isKept = useIsKept(session.userId, account.id);
  const [{ fetching }, requestSync] = useMutation(RequestSyncDocument);
  const [told, setTold] = useState<Told | null>(null);
  const isAsking = useRef(false);

  // The account's own state says more than the answer did, once it has moved on.
  const turn = `${state.phase} ${account.latestRun?.id ?? ""}`;
  useEffect(() => setTold((last) => (last?.kind === "outcome" && last.outcome === "queued" ? null : last)), [turn]);
  useEffect(
    () =>
      onSent((sent) => {
        if (sent.userId !== session.userId || sent.accountId !== account.id) return;
        const { outcome, until } = sent;
        setTold(isOutcome(outcome, words) ? { kind: "outcome", outcome, until, wasKept: true } : { kind: "refused" });
      }),
    [session.userId, account.id, words],
  );

  const isAhead = (instant: string | null): instant is string =>
    instant !== null && Date.parse(instant) > now.getTime();
  const blocked = isAhead(state.coolingDownUntil)
    ? state.coolingDownUntil
    : state.phase === "provider_down" && isAhead(state.providerDownUntil)
      ? state.providerDownUntil
      : null;
  const isBusy = state.phase === "running" || state.phase === "waiting" || state.phase === "queued";
  const isFirstInLine = told?.kind === "outcome" && told.outcome === "queued";
  const isIdle = !fetching && !isKept && !isBusy && !isFirstInLine && blocked === null;

  async function tap(): Promise<void> {
    if (!isIdle || isAsking.current) return;
    isAsking.current = true;
    setTold(null);
    const idempotencyKey = crypto.randomUUID();
    try {
      const { data, error } = await requestSync(
        { accountId: account.id, idempotencyKey },
        {
          fetchOptions: (): RequestInit => ({
            headers: {
              authorization: `Bearer ${session.token}`,
              [ACCOUNT_HEADER]: account.id,
              [KEY_HEADER]: idempotencyKey,
            },
          }),
        },
      );
      const answer = data?.requestSync?.result;
      if (answer !== undefined) setTold({ kind: "outcome", outcome: answer.outcome, until: answer.until });
      else if (error?.graphQLErrors[0]?.extensions["code"] !== "KEPT") setTold({ kind: "failed" });
    } finally {
      isAsking.current = false;
    }
  }

  const label = ((): string => {
    if (fetching) return words.sync.asking;
    if (isKept) return words.sync.keptShort;
    if (state.phase === "running") return words.sync.running;
    if (state.phase === "waiting") return words.sync.waiting;
    if (state.phase === "queued" || isFirstInLine) return words.sync.inLine;
    return blocked === null ? words.sync.now : words.sync.againAt(formats.time(blocked));
  })();
  const message = isKept ? words.sync.kept : told === null ? "" : sentence(told);

  if (state.phase === "needs_you" || state.phase === "paused" || state.phase === "unlinked") return null;
  return (
    <div className="sync-button">
      <button type="button" className="button" aria-disabled={!isIdle} onClick={() => void tap()}>
        {/* A text of its own each time, so that none of them moves from where the last one was centred. */}
        <span key={label}>{label}</span>
        <span className="unseen">: {words.sync.of(account.accountName, PLATFORMS[account.platformSource])}</span>
      </button>
      <p className="sync-message" role="status">
        {message}
      </p>
    </div>
  );

  function sentence(last: Told): string {
    switch (last.kind) {
      case "failed":
        return words.sync.failed;
      case "refused":
        return words.sync.refused;
      case "outcome": {
        const until =
          last.until !== null && isAhead(last.until) ? words.sync.outcomeUntil(formats.time(last.until)) : "";
        const sent = last.wasKept === true ? words.sync.sentLater : "";
        return [sent, words.sync.outcome[last.outcome], until].filter(Boolean).join(" ");
      }
    }
  }
}

const isOutcome = (outcome: string | null, { sync }: Speech["words"]): outcome is SyncRequestOutcome =>
  outcome !== null && outcome in sync.outcome;
