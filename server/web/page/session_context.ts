import { createContext, use } from "react";
import type { Session } from "./session.ts";

export const SessionContext = createContext<Session | null>(null);

/** Who is signed in; there is no page without somebody. */
export function useSession(): Session {
  const session = use(SessionContext);
  if (session === null) throw new Error("nobody is signed in");
  return session;
}
