/** What a link shows where it cannot lead on: a sentence or two, the same for everybody, and nothing of whose account it is. */
export type LinkPage = { status: number; title: string; text: string; headers?: Readonly<Record<string, string>> };

export const LINK_PAGES = {
  /** Tampered with, made for something else, or for no account: nobody is told which. */
  unknown: { status: 404, title: "This link does not work", text: "Please open it from the message once more." },
  expired: {
    status: 410,
    title: "This link has expired",
    text: "Open your account settings to renew the connection.",
  },
  unlinked: { status: 410, title: "This account is not linked any more", text: "There is nothing to renew." },
  connected: { status: 200, title: "This account is connected", text: "There is nothing for you to do." },
  gone: {
    status: 409,
    title: "This account must be linked again",
    text: "Your bank’s connection cannot be renewed any more. Open your account settings to link it anew.",
  },
  silent: {
    status: 503,
    title: "Please try again in a few minutes",
    text: "Your bank’s connection cannot be renewed at this moment. The link stays good.",
    headers: { "retry-after": "120" },
  },
} as const satisfies Record<string, LinkPage>;

/** @param home where the app's web page is; null: there is no button to it */
export function renderLinkPage({ title, text }: LinkPage, home: string | null): string {
  const button = home === null ? "" : `<p><a href="${escapeHtml(home)}">Open account settings</a></p>`;
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 1.05rem/1.5 system-ui, sans-serif }
  body { display: grid; place-items: center; min-height: 85vh; margin: 0; padding: 1rem }
  main { max-width: 26rem }
  h1 { font-size: 1.3rem }
</style>
<main><h1>${title}</h1><p>${text}</p>${button}</main>
</html>
`;
}

const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
