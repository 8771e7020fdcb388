import { randomUUID } from "node:crypto";
import test from "ava";
import type { Page } from "playwright-core";
import { rowOf } from "../../db/testing/ask.ts";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { PATIENCE, until } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

/** Does it, and waits until the server has taken it and the page says so. */
async function isSaved(page: Page, choose: () => Promise<unknown>): Promise<void> {
  const answered = page.waitForResponse(
    (reply) => reply.request().postData()?.includes("mutation ChooseSyncSettings") ?? false,
    PATIENCE,
  );
  await choose();
  await answered;
  await page.locator(".settings-outcome", { hasText: "Saved" }).waitFor(PATIENCE);
}

test.serial(
  "how often, when and whether to be told is chosen, kept, and there again",
  onPageStage(async (t, { stage, visit }) => {
    t.timeout(300_000);
    const userId = randomUUID();
    await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 });
    await stage.drain();
    const page = await visit(userId, { isFrozen: true });
    const [often, hour] = [page.getByLabel("How often"), page.getByLabel("At about")];
    const told = page.getByLabel("Tell me when an account needs me");
    await page.getByText("When to sync").click(PATIENCE);
    await isSaved(page, () => often.selectOption({ label: "Once a day" }));
    t.is(await often.inputValue(), "1440", "the first choice is shown before anything is asked for again");
    await isSaved(page, () => hour.selectOption("6"));
    await isSaved(page, () => told.uncheck());
    await isAccessible(t, page, "settings");
    t.like(
      await rowOf(
        stage.owner,
        "select sync_interval::text as interval, preferred_hour, time_zone, notifications_enabled from app_public.sync_settings where user_id = $1",
        [userId],
      ),
      { interval: "1 day", preferred_hour: 6, time_zone: "Africa/Lagos", notifications_enabled: false },
    );
    await page.reload();
    await page.getByText("When to sync").click(PATIENCE);
    // At first the page may show what its cache had.
    await until(
      async () =>
        (await often.inputValue()) === "1440" && (await hour.inputValue()) === "6" && !(await told.isChecked()),
      "what was chosen is there again",
    );
    await isSaved(page, () => often.selectOption({ label: "Every 6 hours" }));
    t.true(await hour.isDisabled());
  }),
);
