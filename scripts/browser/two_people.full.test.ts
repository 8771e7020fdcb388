import { randomUUID } from "node:crypto";
import test from "ava";
import { cardOf, isLive, sees } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

test.serial(
  "two people in two windows see their own accounts live, and never each other's",
  onPageStage(async (t, scene) => {
    t.timeout(300_000);
    const { stage, visit, work, heard } = scene;
    const [ada, kofi] = [randomUUID(), randomUUID()];
    const hers = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId: ada, historyDays: 10 });
    const his = await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId: kofi, historyDays: 10 });
    const [herPage, hisPage] = await Promise.all([visit(ada, { isFrozen: true }), visit(kofi, { isFrozen: true })]);
    await sees(herPage, hers.accountId, "In line");
    await sees(hisPage, his.accountId, "In line");
    await isLive(scene, herPage, hers.accountId);
    await isLive(scene, hisPage, his.accountId);
    work();
    await sees(herPage, hers.accountId, "Up to date");
    await sees(hisPage, his.accountId, "Up to date");
    for (const [page, own, others] of [
      [herPage, hers, his],
      [hisPage, his, hers],
    ] as const) {
      t.is(await page.locator(".card").count(), 1);
      t.is(await cardOf(page, others.accountId).count(), 0);
      t.true(
        heard(page).some((frame) => frame.includes(own.accountId)),
        "each is told of their own",
      );
      t.false(heard(page).some((frame) => frame.includes(others.accountId)));
      t.false((await page.content()).includes(others.accountId));
    }
  }),
);
