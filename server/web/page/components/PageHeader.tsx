import type { ReactNode } from "react";
import type { Account } from "../account_status.ts";
import type { Session } from "../session.ts";
import { useSpeech } from "../words/language.tsx";
import { SyncNotificationHandler } from "./SyncNotificationHandler.tsx";
import { Wordmark } from "./Wordmark.tsx";

export function PageHeader({
  session,
  accounts,
  onShow,
  onSignOut,
}: {
  session: Session;
  accounts: readonly Account[];
  onShow: (accountId: string) => void;
  onSignOut: () => void;
}): ReactNode {
  const { words } = useSpeech();
  return (
    <header className="page-header">
      <Wordmark />
      <div className="page-tools">
        {session.name !== null && (
          <span className="who">
            <span className="unseen">{words.signIn.signedInAs(session.name)}</span>
            <span aria-hidden="true">{session.name}</span>
          </span>
        )}
        <SyncNotificationHandler accounts={accounts} onShow={onShow} />
        <button type="button" className="button button-plain" onClick={onSignOut}>
          {words.signIn.signOut}
        </button>
      </div>
    </header>
  );
}
