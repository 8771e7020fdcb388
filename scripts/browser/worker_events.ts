import type { CDPSession, Page } from "playwright-core";
import { z } from "zod";

const updated = z.object({
  registrations: z.array(z.object({ registrationId: z.string(), scopeURL: z.string(), isDeleted: z.boolean() })),
});

/** What only the browser itself tells a service worker: that there is a network again, and that a push has come. */
export type WorkerEvents = { sync(): Promise<void>; push(message: unknown): Promise<void> };

/** Once the page is under its service worker's control, which is so after the first visit has loaded. */
export const isControlled = async (page: Page): Promise<void> => {
  await page.evaluate(`navigator.serviceWorker.controller !== null ||
    new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", () => resolve(true)))`);
};

/**
 * Speaks for the browser, by the debugger's protocol: a headless one has no push service, and no network that it notices
 * the return of.
 *
 * @param page any page of the same browser context, also an empty one
 */
export async function workerEvents(page: Page, origin: string): Promise<WorkerEvents> {
  const debuggers: CDPSession = await page.context().newCDPSession(page);
  const found = Promise.withResolvers<string>();
  debuggers.on("ServiceWorker.workerRegistrationUpdated", (event) => {
    const registration = updated
      .parse(event)
      .registrations.find(({ scopeURL, isDeleted }) => !isDeleted && scopeURL.startsWith(origin));
    if (registration !== undefined) found.resolve(registration.registrationId);
  });
  await debuggers.send("ServiceWorker.enable");
  const registrationId = await found.promise;
  return {
    async sync() {
      const tag = "workbox-background-sync:requests";
      await debuggers.send("ServiceWorker.dispatchSyncEvent", { origin, registrationId, tag, lastChance: false });
    },
    async push(message) {
      const data = JSON.stringify(message);
      await debuggers.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
    },
  };
}
