import type { ReactNode } from "react";
import type { Session } from "../session.ts";
import { useSpeech } from "../words/language.tsx";
import { SyncNotificationHandler } from "./SyncNotificationHandler.tsx";
import { Wordmark } from "./Wordmark.tsx";

export function PageHeader({
  session,
  onShow,
  onSignOut,
}: {
  session: Session;
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
        <SyncNotificationHandler onShow={onShow} />
        <button type="button" className="button button-plain" onClick={onSignOut}>
          {words.signIn.signOut}
        </button>
      </div>
    </header>
  );
}
