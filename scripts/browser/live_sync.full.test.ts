import { randomUUID } from "node:crypto";
import test from "ava";
import { listOf } from "../../db/testing/ask.ts";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { cardOf, isLive, MINUTE, moveOn, PATIENCE, sees, syncNow } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

test.serial(
  "a first sync is seen live, wait and all; Sync now brings what is new, and the log says what was done",
  onPageStage(async (t, scene) => {
    t.timeout(300_000);
    const { stage, visit, work } = scene;
    const userId = randomUUID();
    const { accountId, monoId } = await stage.linkBank(
      { perWeek: 30, historyDays: 60, realtime: { durationMs: 7000 } },
      { userId, historyDays: 40 },
    );
    const page = await visit(userId, { isFrozen: true });
    await sees(page, accountId, "In line");
    await isLive(scene, page, accountId);
    work();
    await sees(page, accountId, "Waiting for the bank");
    t.is(await page.getByRole("heading", { level: 1 }).innerText(), "1 account is syncing.");
    await stage.advance(7000);
    await page.clock.setFixedTime(stage.now());
    await sees(page, accountId, "Up to date");
    await sees(page, accountId, /^₦[\d,]+\.\d\d$/);
    await sees(page, accountId, /Updated just now, complete through/);
    t.is(await page.getByRole("heading", { level: 1 }).innerText(), "Everything is up to date.");

    await cardOf(page, accountId).getByText("Activity").click();
    await cardOf(page, accountId).locator(".transaction").first().waitFor(PATIENCE);
    await isAccessible(t, page, "activity");
    await moveOn(scene, page, 6 * MINUTE);
    await syncNow(page, accountId).waitFor(PATIENCE);
    stage.mono.addTransaction(monoId, { amount: 12_345_678, type: "credit", narration: "A LATE GIFT" });
    await syncNow(page, accountId).click();
    await sees(page, accountId, "Waiting for the bank");
    await stage.advance(7000);
    await page.clock.setFixedTime(stage.now());
    await sees(page, accountId, "Up to date");
    const row = cardOf(page, accountId).locator(".transaction", { hasText: "A LATE GIFT" });
    await row.waitFor(PATIENCE);
    t.regex(await row.innerText(), /new[\s\S]*\+₦123,456\.78/);
    const told = cardOf(page, accountId).locator(".run", { hasText: "1 new" }).first();
    await told.waitFor(PATIENCE);
    t.regex(await told.innerText(), /Up to date[\s\S]*you asked[\s\S]*Looked at [\s\S]*1 new/);
    t.deepEqual(
      await listOf(stage.owner, "select status from app_public.sync_logs where account_id = $1 order by id", [
        accountId,
      ]),
      ["success", "success"],
    );
  }),
);
