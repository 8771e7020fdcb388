import { randomUUID } from "node:crypto";
import test from "ava";
import type { Worker } from "playwright-core";
import { z } from "zod";
import { PATIENCE, sees, until } from "./at_the_page.ts";
import { onPageStage, type PageStage } from "./page_stage.ts";
import { isControlled, workerEvents } from "./worker_events.ts";

const shown = z.array(
  z.object({ title: z.string(), body: z.string(), tag: z.string(), lang: z.string(), icon: z.string() }),
);

/**
 * A headless Chromium draws no notifications and grants nobody the right to (whatever it is told by the debugger), so what
 * would be drawn is written down instead. All else is the service worker's own.
 */
const WRITE_DOWN = `self.registration.showNotification = async (title, options) => {
  (self.shown ??= []).push({ title, ...options });
};`;

const shownBy = async (worker: Worker): Promise<unknown[]> => {
  const all: unknown = await worker.evaluate("self.shown ?? []");
  return z.array(z.unknown()).parse(all);
};

/** A tap on the first of them, as the browser tells of it. */
const TAP = `(() => {
  const [{ data }] = self.shown;
  const tap = new Event("notificationclick");
  self.dispatchEvent(Object.assign(tap, { notification: { data, close: () => { self.isClosed = true; } }, waitUntil() {} }));
})()`;

/** Somebody's page with one account that is up to date, and its service worker, which writes down what it would show. */
async function openWithWorker({ stage, visit, network }: PageStage) {
  const userId = randomUUID();
  const { accountId } = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 });
  await stage.drain();
  const page = await visit(userId, { isFrozen: true });
  await sees(page, accountId, "Up to date");
  await isControlled(page);
  const [worker] = page.context().serviceWorkers();
  if (worker === undefined) throw new Error("the page has no service worker");
  await worker.evaluate(WRITE_DOWN);
  const events = await workerEvents(page, network.url);
  return { accountId, page, worker, events };
}

test.serial(
  "a push is shown by the service worker, and a tap on it leads to what it is about",
  onPageStage(async (t, atThePage) => {
    t.timeout(300_000);
    const { accountId, page, worker, events } = await openWithWorker(atThePage);
    await events.push({
      title: "GTBank",
      body: "Votre compte a besoin de vous.",
      lang: "fr",
      tag: "episode-1",
      url: `${atThePage.network.url}/?account=${accountId}`,
      kind: "reauth_required",
      platform: "mono",
      accountId,
    });
    await until(async () => (await shownBy(worker)).length === 1, "the push is shown");
    t.deepEqual(shown.parse(await shownBy(worker)), [
      {
        title: "GTBank",
        body: "Votre compte a besoin de vous.",
        tag: "episode-1",
        lang: "fr",
        icon: "/icon-192.png",
      },
    ]);

    t.not(await page.evaluate("document.activeElement?.id"), `account-${accountId}`);
    const arrived = page.waitForEvent("load", PATIENCE);
    await worker.evaluate(TAP);
    await arrived;
    await page.locator(`#account-${accountId}:focus`).waitFor(PATIENCE);
    t.is(new URL(page.url()).search, "", "what the link was about is taken out of the address");
    t.true(await worker.evaluate("self.isClosed"));
  }),
);

test.serial(
  "a message that cannot be read is shown all the same, and one that points elsewhere leads to the page only",
  onPageStage(async (t, atThePage) => {
    t.timeout(300_000);
    const { accountId, page, worker, events } = await openWithWorker(atThePage);
    await events.push({ title: "Elsewhere", url: "https://evil.example/?account=1" });
    await until(async () => (await shownBy(worker)).length === 1, "the push is shown");
    const arrived = page.waitForEvent("load", PATIENCE);
    await worker.evaluate(TAP);
    await arrived;
    await sees(page, accountId, "Up to date");
    t.is(new URL(page.url()).origin, atThePage.network.url);

    await events.push("no object");
    await until(async () => (await shownBy(worker)).length === 2, "the unreadable one is shown");
    t.is(shown.parse((await shownBy(worker)).slice(1))[0]?.title, "Tidemark");
  }),
);
