import { isRecord } from "./session.ts";

/** What this server is like, as far as the page must know: `GET /page/settings.json`. */
export type PageSettings = {
  /** Whom the demo's sign-in knows; none elsewhere. */
  demoUsers: readonly string[];
  /** Where people come from with a token, and go back to for a new one. */
  signInUrl: string | null;
  /** Whom a push service takes messages for this page from. */
  vapidPublicKey: string | null;
};

let asked: Promise<PageSettings> | undefined;

/** Asked once; again only after it failed. */
export function pageSettings(): Promise<PageSettings> {
  asked ??= read().catch((error: unknown) => {
    asked = undefined;
    throw error;
  });
  return asked;
}

async function read(): Promise<PageSettings> {
  const reply = await fetch("/page/settings.json");
  const body: unknown = await reply.json();
  if (!isRecord(body) || !Array.isArray(body["demoUsers"])) throw new TypeError("no settings");
  const { signInUrl, vapidPublicKey } = body;
  const demoUsers: unknown[] = body["demoUsers"];
  return {
    demoUsers: demoUsers.filter((name) => typeof name === "string"),
    signInUrl: typeof signInUrl === "string" ? signInUrl : null,
    vapidPublicKey: typeof vapidPublicKey === "string" ? vapidPublicKey : null,
  };
}
