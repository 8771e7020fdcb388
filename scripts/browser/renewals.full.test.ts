import { randomUUID } from "node:crypto";
import test from "ava";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { cardOf, isLive, MINUTE, PATIENCE, sees, syncNow } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

test.serial(
  "a consent that ended is renewed at the bank's page, and the account comes back by itself",
  onPageStage(async (t, scene) => {
    t.timeout(300_000);
    const { stage, visit, work } = scene;
    const userId = randomUUID();
    const { accountId, monoId } = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 });
    await stage.drain();
    await stage.advance(6 * MINUTE);
    stage.mono.setConsent(monoId, { expired: true });
    const page = await visit(userId, { isFrozen: true });
    await sees(page, accountId, "Up to date");
    await isLive(scene, page, accountId);
    work();
    await syncNow(page, accountId).click();
    await sees(page, accountId, "Needs you");
    t.is(await page.getByRole("heading", { level: 1 }).innerText(), "1 account needs you.");
    await cardOf(page, accountId)
      .getByRole("button", { name: /Log in at the bank/ })
      .click();
    await page.getByRole("button", { name: "Log in again" }).click(PATIENCE);
    await page.getByText(/^Thank you\./).waitFor(PATIENCE);
    t.is(new URL(page.url()).search, "", "what the link brought is taken out of the address");
    await isAccessible(t, page, "renewed");
    await sees(page, accountId, "Up to date");
  }),
);

test.serial(
  "a wallet's new key is entered where its link leads, and is nowhere afterwards",
  onPageStage(async (t, { stage, visit }) => {
    t.timeout(300_000);
    const userId = randomUUID();
    const { accountId } = await stage.linkWallet({ balance: "100.00" }, { userId });
    await stage.drain();
    const page = await visit(userId, { isFrozen: true, path: `/?setup=${accountId}` });
    await sees(page, accountId, /^A new key for/);
    await isAccessible(t, page, "wallet form");
    await page.getByRole("button", { name: "Save and sync" }).click();
    await sees(page, accountId, "Enter the new API key.");
    await page.getByLabel("New API key").fill("wrong-key-of-this-wallet");
    await page.getByRole("button", { name: "Save and sync" }).click();
    await page.getByLabel("New API key").waitFor({ state: "detached", ...PATIENCE });
    t.false((await page.content()).includes("wrong-key-of-this-wallet"));
  }),
);
