import { randomUUID } from "node:crypto";
import test from "ava";
import { tokenOf } from "../../server/testing/graphql_api.ts";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { openPerson } from "../../server/web/testing/browser.ts";
import { cardOf, PATIENCE, sees, until } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

const [ada, kofi] = [
  { id: randomUUID(), name: "Ada" },
  { id: randomUUID(), name: "Kofi" },
];

/** What this browser has kept of anybody: sessions, and entries of urql's caches. */
const KEPT = `(async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  let entries = 0;
  for (const { name } of await indexedDB.databases()) {
    if (!name.startsWith("tidemark ")) continue;
    const database = await done(indexedDB.open(name));
    entries += await done(database.transaction("entries").objectStore("entries").count());
    database.close();
  }
  return [entries, localStorage.getItem("tidemark.session"), sessionStorage.getItem("tidemark.session")].join();
})()`;

test.serial(
  "in the demo one is whom one taps, and after signing out nothing of them is left in the browser",
  onPageStage(
    async (t, { stage, browser, network }) => {
      t.timeout(300_000);
      const hers = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId: ada.id, historyDays: 10 });
      const his = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId: kofi.id, historyDays: 10 });
      await stage.drain();
      const page = await (await openPerson(browser)).newPage();
      await page.clock.setFixedTime(stage.now());
      await page.goto(network.url);
      await page.getByText("Continue as Ada").click(PATIENCE);
      await sees(page, hers.accountId, "Up to date");
      t.is(await cardOf(page, his.accountId).count(), 0);
      await page.locator(".who", { hasText: "Signed in as Ada" }).waitFor(PATIENCE);

      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByText("Continue as Kofi").waitFor(PATIENCE);
      await until(async () => (await page.evaluate(KEPT)) === "0,,", "nothing is kept");
      await isAccessible(t, page, "sign-in");
      await page.getByText("Continue as Kofi").click();
      await sees(page, his.accountId, "Up to date");
      t.is(await cardOf(page, hers.accountId).count(), 0);
    },
    { people: [ada, kofi] },
  ),
);

test.serial(
  "an app hands its token over by the fragment, which nobody sees afterwards; one that has ended leads back to the app",
  onPageStage(async (t, { stage, visit, network }) => {
    t.timeout(300_000);
    const userId = randomUUID();
    const { accountId } = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 });
    await stage.drain();
    const page = await visit(userId, { isFrozen: true });
    await sees(page, accountId, "Up to date");
    t.is(page.url(), `${network.url}/`);
    await page.reload();
    await sees(page, accountId, "Up to date");

    const ended = await tokenOf(userId, { expires: Math.floor(Date.now() / 1000) - 3600 });
    const other = await page.context().newPage();
    await other.goto(`${network.url}/#token=${ended}`);
    await other.getByText("Your session has ended.").waitFor(PATIENCE);
    t.is(await other.getByRole("link", { name: "Go to the app" }).getAttribute("href"), "https://app.example/accounts");
    t.is(other.url(), `${network.url}/`);
    await isAccessible(t, other, "ended");
  }),
);
