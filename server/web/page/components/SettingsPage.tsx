import { type ReactNode, useCallback, useEffect, useState } from "react";
import { useQuery } from "urql";
import { nextTurn } from "../account_status.ts";
import { refreshClock } from "../clock.ts";
import { connection, useConnection } from "../connection.ts";
import { AccountChangesDocument, AccountsDocument, TransactionsArriveDocument } from "../graphql/operations.ts";
import { useLive } from "../live.ts";
import { onSent, sendKept } from "../outbox.ts";
import type { Session } from "../session.ts";
import { useSpeech } from "../words/language.tsx";
import type { Reason } from "./AccountCard.tsx";
import { LinkedAccountsList } from "./LinkedAccountsList.tsx";
import { PageHeader } from "./PageHeader.tsx";
import { PushOptIn } from "./PushOptIn.tsx";
import { Summary } from "./Summary.tsx";

export type Focus = { accountId: string; reason: Reason };

/** A moment's turn is asked about a little later, when the server's clock is surely past it. */
const GRACE_MS = 400;
const LONGEST_TIMER_MS = 3_600_000;

/** Everything that a signed-in person sees. */
export function SettingsPage({
  session,
  opened,
  connections,
  onSignOut,
}: {
  session: Session;
  /** What the link that led here was about. */
  opened: Focus | null;
  /** Grows each time that live updates begin. */
  connections: number;
  onSignOut: () => void;
}): ReactNode {
  const { words } = useSpeech();
  const [focus, setFocus] = useState(opened);
  const [arrivals, setArrivals] = useState<ReadonlyMap<string, number>>(new Map());
  const [{ data, error, fetching }, query] = useQuery({ query: AccountsDocument });
  const ask = useCallback(() => query({ requestPolicy: "network-only" }), [query]);

  useLive(AccountChangesDocument, {}, ({ myAccountChanged }) => {
    refreshClock();
    const { account } = myAccountChanged;
    const isKnown = data?.accounts.nodes.some(({ id }) => id === myAccountChanged.accountId) ?? false;
    // What is told by platform changes when a run ends; an account that was not there is in no list yet.
    if (!isKnown || account === null || account.latestRun?.status !== "in_progress") ask();
  });
  useLive(TransactionsArriveDocument, {}, ({ newTransactions }) => {
    setArrivals((last) => new Map(last).set(newTransactions.accountId, (last.get(newTransactions.accountId) ?? 0) + 1));
  });

  useEffect(() => {
    if (connections > 0) ask();
  }, [connections, ask]);
  useEffect(
    () =>
      connection.onReturn(() => {
        sendKept();
        ask();
      }),
    [ask],
  );
  // It went by the service worker, so nobody here has heard its answer.
  useEffect(() => onSent(() => ask()), [ask]);
  useEffect(() => {
    const back = (): void => {
      sendKept();
      ask();
    };
    window.addEventListener("online", back);
    return () => window.removeEventListener("online", back);
  }, [ask]);

  const { isOnline } = useConnection();
  const isLooking = fetching || (isOnline && error === undefined);
  // urql's data is also null, whatever its type says: where there is no network, and nothing was kept or it is not read yet.
  const known = data?.accounts === undefined ? undefined : data;
  const accounts = known?.accounts.nodes ?? [];
  const turn = Math.min(...accounts.map((account) => nextTurn(account, new Date()) ?? Number.POSITIVE_INFINITY));
  useEffect(() => {
    if (!Number.isFinite(turn)) return;
    const timer = setTimeout(
      () => {
        refreshClock();
        ask();
      },
      Math.min(Math.max(turn - Date.now() + GRACE_MS, GRACE_MS), LONGEST_TIMER_MS),
    );
    return () => clearTimeout(timer);
  }, [turn, ask]);

  // Whoever had to find out by looking knows what a push is good for.
  const isTimeForPush =
    focus?.reason === "renewed" || accounts.some(({ syncState }) => syncState?.phase === "needs_you");
  const renewed = focus?.reason === "renewed" ? accounts.find(({ id }) => id === focus.accountId) : undefined;
  return (
    <>
      <PageHeader
        session={session}
        onShow={(accountId) => setFocus({ accountId, reason: "look" })}
        onSignOut={onSignOut}
      />
      <main>
        {known === undefined ? (
          <div className="summary" role="status">
            <h1>{isLooking ? words.summary.loading : words.summary.failed}</h1>
            {!isLooking && (
              <button type="button" className="button" onClick={ask}>
                {words.summary.retry}
              </button>
            )}
          </div>
        ) : (
          <>
            <Summary accounts={accounts} />
            {renewed !== undefined && (
              <p className="notice" role="status">
                {words.fix.back(renewed.accountName)}
              </p>
            )}
            {isTimeForPush && <PushOptIn isOffer />}
            {accounts.length === 0 && <p className="quiet">{words.summary.noneHint}</p>}
            <LinkedAccountsList data={known} arrivals={arrivals} focus={focus} />
          </>
        )}
      </main>
    </>
  );
}
