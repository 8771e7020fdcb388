import { type ReactNode, useEffect, useId, useRef, useState } from "react";
import { type Account, isFetching } from "../account_status.ts";
import { useNow } from "../clock.ts";
import { useSpeech } from "../words/language.tsx";
import { CoverageStrip } from "./CoverageStrip.tsx";
import { ManualSyncButton } from "./ManualSyncButton.tsx";
import { ReauthenticateButton } from "./ReauthenticateButton.tsx";
import { RecentActivity } from "./RecentActivity.tsx";
import { SyncStatusIndicator } from "./SyncStatusIndicator.tsx";
import { WalletKeyForm } from "./WalletKeyForm.tsx";

/** Why the page was opened, where a link led here. */
export type Reason = "look" | "renew" | "renewed";

/** One linked account: whose it is, how it stands, how much of it is known, and what to press. */
export function AccountCard({
  account,
  arrivals,
  reason,
}: {
  account: Account;
  /** Grows with each arrival of new transactions. */
  arrivals: number;
  reason: Reason | null;
}): ReactNode {
  const { words, formats } = useSpeech();
  const now = useNow();
  const id = useId();
  const card = useRef<HTMLElement>(null);
  const state = account.syncState;
  const asOf = account.accountType === "bank" ? words.detail.dataAsOf : words.detail.dataAsOfWallet;
  const [isOpen, setOpen] = useState(false);
  const [isRenewing, setRenewing] = useState(reason === "renew" && account.platformSource === "mtn_momo");
  useEffect(() => {
    if (reason === null) return;
    card.current?.scrollIntoView({ block: "center" });
    if (reason !== "renew") card.current?.focus({ preventScroll: true });
  }, [reason]);
  if (state === null) return null;

  return (
    <article
      ref={card}
      id={`account-${account.id}`}
      className={`card phase-${state.phase}`}
      aria-labelledby={`${id}-name`}
      aria-busy={isFetching(state)}
      tabIndex={-1}
    >
      <header className="card-head">
        <div>
          <h3 id={`${id}-name`}>{account.accountName}</h3>
          <p className="institution">{account.institution ?? ""}</p>
        </div>
        <p key={account.balance} className="balance">
          {account.balance === null ? (
            <span className="quiet">{words.detail.balanceUnknown}</span>
          ) : (
            formats.money(account.balance, account.currency)
          )}
        </p>
      </header>
      <div className="card-body">
        <SyncStatusIndicator account={account} state={state} />
        {state.phase === "needs_you" ? (
          <ReauthenticateButton account={account} onWallet={() => setRenewing(true)} />
        ) : (
          <ManualSyncButton account={account} state={state} />
        )}
      </div>
      {isRenewing && account.mtnReferenceId !== null && (
        <WalletKeyForm account={account} apiUserId={account.mtnReferenceId} onClose={() => setRenewing(false)} />
      )}
      <CoverageStrip account={account} state={state} />
      <details className="more" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
        <summary>
          {words.activity.show}
          <span className="unseen">: {account.accountName}</span>
          {account.dataAsOf !== null && (
            <span className="quiet as-of">{asOf(formats.moment(account.dataAsOf, now))}</span>
          )}
        </summary>
        {isOpen && <RecentActivity account={account} arrivals={arrivals} />}
      </details>
    </article>
  );
}
