import { worker } from "./scope.ts";
import { isRecord, parseJson } from "../page/session.ts";

/** tasks/@channels/web_push/payload.ts. */
type Message = { title: string; body: string; lang: string; tag: string; url: string };

/**
 * Shows what the server pushes (tasks/@channels/web_push), and opens what it is about when it is tapped. A browser that was
 * promised a visible notification gets one, even for a message that cannot be read.
 */
export function showPushes(): void {
  worker.addEventListener("push", (event) => {
    const { title, body, lang, tag, url } = read(event.data?.text() ?? null);
    event.waitUntil(
      worker.registration.showNotification(title, {
        body,
        tag,
        lang,
        icon: "/icon-192.png",
        badge: "/badge-96.png",
        data: { url },
      }),
    );
  });
  worker.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const data: unknown = event.notification.data;
    event.waitUntil(open(isRecord(data) && typeof data["url"] === "string" ? data["url"] : "/"));
  });
}

/** A page that is open is led there; else one is opened. Never to another origin, whatever the message says. */
async function open(link: string): Promise<void> {
  const url = new URL(link, worker.location.origin);
  const target = url.origin === worker.location.origin ? url.href : worker.location.origin;
  const [page] = await worker.clients.matchAll({ type: "window", includeUncontrolled: true });
  if (page === undefined) {
    await worker.clients.openWindow(target);
    return;
  }
  await page.navigate(target);
  // Refused where nobody has tapped; then it is there all the same.
  await page.focus().catch(() => undefined);
}

function read(text: string | null): Message {
  const message = parseJson(text);
  const given = isRecord(message) ? message : {};
  const field = (name: string, otherwise: string): string => {
    const value = given[name];
    return typeof value === "string" ? value : otherwise;
  };
  return {
    title: field("title", "Tidemark"),
    body: field("body", ""),
    tag: field("tag", "tidemark"),
    url: field("url", "/"),
    lang: field("lang", ""),
  };
}
