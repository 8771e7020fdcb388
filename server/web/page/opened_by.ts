import type { Focus } from "./components/SettingsPage.tsx";

const ID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * What a link that led here is about: `/?account=ID` (a notification's), `/?setup=ID` (a wallet whose key must be entered
 * anew), `/?reauthenticated=ID` (back from Mono). Taken out of the address, so that a reload does not bring it again.
 */
export function openedBy({ search }: Location): Focus | null {
  const query = new URLSearchParams(search);
  const reasons = { account: "look", setup: "renew", reauthenticated: "renewed" } as const;
  for (const [name, reason] of Object.entries(reasons)) {
    const accountId = query.get(name);
    if (accountId !== null && ID.test(accountId)) {
      history.replaceState(null, "", `/${location.hash}`);
      return { accountId: accountId.toLowerCase(), reason };
    }
  }
  return null;
}
