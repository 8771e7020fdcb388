import { type ReactNode, useEffect, useState } from "react";
import { type PageSettings, pageSettings } from "../page_settings.ts";
import { beginSession, isRecord, type Session } from "../session.ts";
import { useSpeech } from "../words/language.tsx";
import { Wordmark } from "./Wordmark.tsx";

/** The demo's two people; elsewhere, the way to the app that hands its token over. */
export function SignIn({
  hasEnded,
  onSignedIn,
}: {
  hasEnded: boolean;
  onSignedIn: (session: Session) => void;
}): ReactNode {
  const { words } = useSpeech();
  const [ways, setWays] = useState<PageSettings | null>(null);
  const [hasFailed, setFailed] = useState(false);
  useEffect(() => {
    pageSettings().then(setWays, () => setFailed(true));
  }, []);

  async function signIn(user: string): Promise<void> {
    setFailed(false);
    try {
      onSignedIn(beginSession(await demoSession(user)));
    } catch {
      setFailed(true);
    }
  }

  return (
    <main className="sign-in">
      <Wordmark />
      <h1>{words.signIn.title}</h1>
      <p>{words.signIn.about}</p>
      {hasEnded && <p role="status">{words.signIn.ended}</p>}
      {ways !== null && ways.demoUsers.length > 0 && (
        <>
          <p className="quiet">{words.signIn.demo}</p>
          <ul className="people">
            {ways.demoUsers.map((user) => (
              <li key={user}>
                <button type="button" className="button button-person" onClick={() => void signIn(user)}>
                  {words.signIn.continueAs(user)}
                </button>
              </li>
            ))}
          </ul>
        </>
      )}
      {ways !== null && ways.demoUsers.length === 0 && (
        <>
          <p>{words.signIn.elsewhere}</p>
          {ways.signInUrl !== null && (
            <a className="button button-main" href={ways.signInUrl}>
              {words.signIn.goThere}
            </a>
          )}
        </>
      )}
      <p className="problem" role="alert">
        {hasFailed ? words.signIn.failed : ""}
      </p>
    </main>
  );
}

async function demoSession(user: string): Promise<Session> {
  const reply = await fetch("/demo/sign-in", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  const body: unknown = await reply.json();
  if (!isRecord(body)) throw new TypeError("no session");
  const { token, userId, name } = body;
  if (typeof token !== "string" || typeof userId !== "string") throw new TypeError("no session");
  return { token, userId, name: typeof name === "string" ? name : null };
}
