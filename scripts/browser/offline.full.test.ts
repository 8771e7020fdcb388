import { randomUUID } from "node:crypto";
import test from "ava";
import type { Page } from "playwright-core";
import { listOf, valueOf } from "../../db/testing/ask.ts";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { cardOf, isLive, MINUTE, PATIENCE, sees, syncNow, until } from "./at_the_page.ts";
import { onPageStage, type PageStage } from "./page_stage.ts";
import { isControlled, workerEvents } from "./worker_events.ts";

/*
 * The network is cut twice over: the browser is told, and nothing answers any more, also not to the service worker.
 */

type Scene = { accountId: string; page: Page; other: Page };

/** One account, synced and ready for Sync now, in two tabs that the service worker controls, and kept for offline use. */
async function inTwoTabs({ stage, visit, network }: PageStage): Promise<Scene> {
  const userId = randomUUID();
  const { accountId } = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 });
  await stage.drain();
  await stage.advance(6 * MINUTE);
  const page = await visit(userId, { isFrozen: true });
  await syncNow(page, accountId).waitFor(PATIENCE);
  await isControlled(page);
  const other = await page.context().newPage();
  await other.goto(network.url);
  await syncNow(other, accountId).waitFor(PATIENCE);
  await until(async () => (await other.evaluate(KEPT_PHASES)) === 1, "the account is kept");
  return { accountId, page, other };
}

/** How many accounts' states urql's cache has written to IndexedDB. */
const KEPT_PHASES = `(async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const { name } = (await indexedDB.databases()).find((one) => one.name.startsWith("tidemark ")) ?? {};
  if (name === undefined) return 0;
  const database = await done(indexedDB.open(name));
  const kept = await done(database.transaction("entries").objectStore("entries").getAll());
  database.close();
  return kept.flatMap((day) => Object.keys(day)).filter((key) => key.endsWith("syncState.phase")).length;
})()`;

async function cut({ network }: PageStage, { page }: Scene): Promise<void> {
  await network.cut();
  await page.context().setOffline(true);
  await page.getByText("You are offline.").waitFor(PATIENCE);
}

/** Two taps in each tab, as fast as it gets. */
async function tapEverywhere({ accountId, page, other }: Scene): Promise<void> {
  const twice = `(() => { const button = document.querySelector("#account-${accountId} .sync-button button"); button.click(); button.click(); })()`;
  await Promise.all([page.evaluate(twice), other.evaluate(twice)]);
  await sees(page, accountId, "Will be sent");
  await sees(other, accountId, "Will be sent");
}

const keys = ({ stage }: PageStage): Promise<unknown> =>
  valueOf(stage.owner, "select count(*)::integer from app_private.idempotency_keys");

/** Whoever sent it how often: it was one request, and is one sync. */
async function isOneSync(scene: PageStage, accountId: string): Promise<string[]> {
  await scene.stage.drain();
  return listOf(
    scene.stage.owner,
    "select trigger::text || ' ' || status from app_public.sync_logs where account_id = $1 order by id",
    [accountId],
  );
}

test.serial(
  "without a network the page opens as it was, marked; Sync now waits in both tabs, and is sent once when there is one",
  onPageStage(async (t, stage) => {
    t.timeout(300_000);
    const scene = await inTwoTabs(stage);
    const { accountId, page, other } = scene;
    await cut(stage, scene);
    await tapEverywhere(scene);
    await isAccessible(t, page, "offline");

    await other.reload();
    await sees(other, accountId, "Up to date");
    await sees(other, accountId, "Will be sent");
    await other.getByText(/This is what was known at 12:06/).waitFor(PATIENCE);
    t.false(stage.asked.includes("RequestSync"));
    t.is(await keys(stage), 0);

    await stage.network.mend();
    await page.context().setOffline(false);
    await page.getByText("You are offline.").waitFor({ state: "detached", ...PATIENCE });
    await sees(page, accountId, "Sent now that you are back.");
    await isLive(stage, page, accountId);
    await isLive(stage, other, accountId);
    await sees(page, accountId, "In line");
    await sees(other, accountId, "In line");
    t.is(await keys(stage), 1);
    t.deepEqual(await isOneSync(stage, accountId), ["schedule success", "user success"]);
    await sees(page, accountId, "Up to date");
    await sees(other, accountId, "Up to date");
  }),
);

test.serial(
  "what was asked for without a network is sent though every tab is closed, once however often the browser tries",
  onPageStage(async (t, stage) => {
    t.timeout(300_000);
    const scene = await inTwoTabs(stage);
    const { accountId, page, other } = scene;
    await cut(stage, scene);
    await tapEverywhere(scene);
    // Of another origin: a browser without any page is closed.
    const empty = await page.context().newPage();
    await page.close();
    await other.close();
    t.is(await keys(stage), 0);

    await stage.network.mend();
    await empty.context().setOffline(false);
    const events = await workerEvents(empty, stage.network.url);
    await until(async () => {
      // The browser's own background sync tries again after minutes.
      await events.sync();
      return (await keys(stage)) === 1;
    }, "the request is sent");
    await events.sync();
    t.deepEqual(await isOneSync(stage, accountId), ["schedule success", "user success"]);

    const again = await empty.context().newPage();
    await again.goto(stage.network.url);
    await sees(again, accountId, "Up to date");
    t.is(await cardOf(again, accountId).getByText("Will be sent").count(), 0);
    t.deepEqual(await isOneSync(stage, accountId), ["schedule success", "user success"]);
    t.is(await keys(stage), 1);
  }),
);
