import { setTimeout as pause } from "node:timers/promises";
import type { Locator, Page } from "playwright-core";
import type { PageStage } from "./page_stage.ts";

/** What somebody does and sees in the page, in a few words. All of it is waited for: nothing depends on how fast it is. */

/** More than a machine that is ten times slower needs. A test that is right never waits so long. */
export const PATIENCE = { timeout: 60_000 };
export const MINUTE = 60_000;

export const cardOf = (page: Page, accountId: string): Locator => page.locator(`#account-${accountId}`);

export const sees = (page: Page, accountId: string, text: string | RegExp): Promise<void> =>
  cardOf(page, accountId).getByText(text).first().waitFor(PATIENCE);

export const syncNow = (page: Page, accountId: string): Locator =>
  cardOf(page, accountId).getByRole("button", { name: /^Sync now/ });

/** Business time moves on, and the page's clock with it; the page asks again as it does when a moment has come. */
export async function moveOn({ stage }: PageStage, page: Page, milliseconds: number): Promise<void> {
  await stage.advance(milliseconds);
  await page.clock.setFixedTime(stage.now());
  await page.evaluate("dispatchEvent(new Event('online'))");
}

/** Once it holds. For what happens out of the page's sight: in the database, in a service worker, in IndexedDB. */
export async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  const end = performance.now() + PATIENCE.timeout;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`in ${PATIENCE.timeout} ms it did not come true that ${what}`);
    await pause(20);
  }
}

/**
 * Once the page hears live updates, which no protocol tells: an event is sent to it until one arrives. From then on it
 * misses none.
 */
export async function isLive({ stage, heard }: PageStage, page: Page, accountId: string): Promise<void> {
  const before = heard(page).length;
  await until(async () => {
    await stage.owner.query(
      "select app_private.announce('accounts', array_agg(jsonb_build_array(id, user_id))) from app_public.accounts where id = $1",
      [accountId],
    );
    return heard(page)
      .slice(before)
      .some((frame) => frame.includes('"myAccountChanged"') && frame.includes(accountId));
  }, "the page hears live updates");
}
