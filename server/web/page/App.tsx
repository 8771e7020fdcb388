import { type ReactNode, useEffect, useMemo, useState } from "react";
import { Provider } from "urql";
import { openApi } from "./api_client.ts";
import { LanguageChoice } from "./components/LanguageChoice.tsx";
import { type Focus, SettingsPage } from "./components/SettingsPage.tsx";
import { SignIn } from "./components/SignIn.tsx";
import { currentSession, endSession, type Session } from "./session.ts";
import { SessionContext } from "./session_context.ts";
import { SpeakingToVisitor } from "./words/language.tsx";

/** The page: whoever is signed in sees theirs, anybody else is asked who they are. */
export function App({ opened }: { opened: Focus | null }): ReactNode {
  const [session, setSession] = useState(currentSession);
  const [hasEnded, setEnded] = useState(false);

  function leave(left: Session, ended: boolean): void {
    endSession(left);
    setEnded(ended);
    setSession(null);
  }

  return (
    <SpeakingToVisitor>
      {session === null ? (
        <SignIn hasEnded={hasEnded} onSignedIn={setSession} />
      ) : (
        <SignedIn
          key={session.token}
          session={session}
          opened={opened}
          onRefused={() => leave(session, true)}
          onSignOut={() => leave(session, false)}
        />
      )}
      <LanguageChoice />
    </SpeakingToVisitor>
  );
}

function SignedIn({
  session,
  opened,
  onRefused,
  onSignOut,
}: {
  session: Session;
  opened: Focus | null;
  onRefused: () => void;
  onSignOut: () => void;
}): ReactNode {
  const [connections, setConnections] = useState(0);
  const [api] = useState(() =>
    openApi(session, { refused: onRefused, listening: () => setConnections((count) => count + 1) }),
  );
  useEffect(() => () => void api.close(), [api]);
  const signOut = useMemo(
    () => () => {
      void api.close({ forget: true });
      onSignOut();
    },
    [api, onSignOut],
  );
  return (
    <SessionContext value={session}>
      <Provider value={api.client}>
        <SettingsPage session={session} opened={opened} connections={connections} onSignOut={signOut} />
      </Provider>
    </SessionContext>
  );
}
