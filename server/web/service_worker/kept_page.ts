import { worker } from "./scope.ts";

/** What the page consists of, and a hash of it all: put in by server/web/build_page.ts. */
declare const KEPT_FILES: readonly string[];
declare const KEPT_VERSION: string;

const CACHE = `page ${KEPT_VERSION}`;
/** The network is asked first, so that nobody looks at last week's page; but not for longer than this. */
const PATIENCE_MS = 3000;

/** The page opens without a network: its files are kept when it is first seen. What it shows is kept by urql's cache. */
export function keepPage(): void {
  worker.addEventListener("install", (event) => {
    event.waitUntil(
      caches
        .open(CACHE)
        .then((cache) => cache.addAll(["/", ...KEPT_FILES]))
        .then(() => worker.skipWaiting()),
    );
  });
  worker.addEventListener("activate", (event) => {
    event.waitUntil(
      caches
        .keys()
        .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
        .then(() => worker.clients.claim()),
    );
  });
  worker.addEventListener("fetch", (event) => {
    const { request } = event;
    const url = new URL(request.url);
    if (request.method !== "GET" || url.origin !== worker.location.origin) return;
    if (request.mode === "navigate") {
      if (url.pathname === "/") event.respondWith(freshPage(request));
    } else if (KEPT_FILES.includes(url.pathname)) {
      event.respondWith(caches.match(url.pathname).then((kept) => kept ?? fetch(request)));
    }
  });
}

async function freshPage(request: Request): Promise<Response> {
  const kept = await caches.match("/");
  if (kept === undefined) return fetch(request);
  try {
    const fresh = await fetch(request, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return fresh.ok ? fresh : kept;
  } catch {
    return kept; // No network, or none to speak of.
  }
}
