/** Who is signed in in this tab. */
export type Session = { token: string; userId: string; name: string | null };

const KEY = "tidemark.session";
/** `#token=JWT`: how the app that people come from hands its token over. A fragment reaches no server and no log. */
const FRAGMENT = /^#token=([\w-]+\.[\w-]+\.[\w-]+)$/;

/**
 * The session of this tab, else the one that was begun last in this browser. Each tab keeps its own, so that two people may
 * use two tabs. A token in the address is taken over, and taken out of the address and of the history.
 */
export function currentSession(): Session | null {
  const [, handedOver] = FRAGMENT.exec(location.hash) ?? [];
  if (handedOver !== undefined) {
    history.replaceState(null, "", location.pathname + location.search);
    const userId = subjectOf(handedOver);
    if (userId !== null) return beginSession({ token: handedOver, userId, name: null });
  }
  const kept = parseSession(sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY));
  if (kept !== null) sessionStorage.setItem(KEY, JSON.stringify(kept));
  return kept;
}

export function beginSession(session: Session): Session {
  const text = JSON.stringify(session);
  sessionStorage.setItem(KEY, text);
  localStorage.setItem(KEY, text);
  return session;
}

export function endSession(session: Session): void {
  sessionStorage.removeItem(KEY);
  if (parseSession(localStorage.getItem(KEY))?.userId === session.userId) localStorage.removeItem(KEY);
}

/** Only to keep one person's things apart from another's in this browser: the server verifies the token, nobody else. */
export function subjectOf(token: string): string | null {
  const [, payload] = token.split(".");
  if (payload === undefined) return null;
  const claims = parseJson(atobUrl(payload));
  return isRecord(claims) && typeof claims["sub"] === "string" ? claims["sub"].toLowerCase() : null;
}

function parseSession(text: string | null): Session | null {
  const value = parseJson(text);
  if (!isRecord(value)) return null;
  const { token, userId, name } = value;
  if (typeof token !== "string" || typeof userId !== "string") return null;
  return { token, userId, name: typeof name === "string" ? name : null };
}

const atobUrl = (text: string): string | null => {
  try {
    return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  } catch {
    return null; // No base64: no token of ours.
  }
};

export function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return null; // Whatever it was, it is not what we wrote.
  }
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;
