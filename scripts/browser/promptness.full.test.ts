import { randomUUID } from "node:crypto";
import test from "ava";
import { z } from "zod";
import { cardOf, isLive, MINUTE, moveOn, PATIENCE, sees, syncNow, until } from "./at_the_page.ts";
import { onPageStage } from "./page_stage.ts";

/*
 * How soon a tap is answered, and that nothing moves under the reader's eyes. Milliseconds are told, not judged: a machine
 * may be busy. What is judged is what makes them few: that the page changes before there is an answer, that one round trip is
 * all that the first status takes, and that lines keep their places.
 */

const times = z.array(z.object({ visible: z.number(), answered: z.number() }));

/** Taps each account's button, and measures until the page has drawn a change, and until it has drawn the server's answer. */
const TAP_ALL = `(async () => {
  const drawn = () => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
  const until = (element, holds) => new Promise((resolve) => {
    const look = () => { if (holds()) { observer.disconnect(); resolve(); } };
    const observer = new MutationObserver(look);
    observer.observe(element, { childList: true, characterData: true, subtree: true, attributes: true });
    look();
  });
  const taps = [];
  for (const card of document.querySelectorAll(".card")) {
    const button = card.querySelector(".sync-button button");
    if (button.getAttribute("aria-disabled") === "true") continue;
    const message = card.querySelector(".sync-message");
    const at = performance.now();
    button.click();
    await until(button, () => button.getAttribute("aria-disabled") === "true");
    await drawn();
    const visible = performance.now() - at;
    await until(message, () => message.textContent !== "");
    await drawn();
    taps.push({ visible, answered: performance.now() - at });
  }
  return taps;
})()`;

const percentile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * share) - 1] ?? Number.NaN;

test.serial(
  "a tap changes the page before the server has answered, and one round trip brings its first status",
  onPageStage(async (t, scene) => {
    t.timeout(300_000);
    const { stage, visit, asked } = scene;
    const userId = randomUUID();
    for (let n = 0; n < 20; n += 1) await stage.linkBank({ perWeek: 1, historyDays: 5 }, { userId, historyDays: 5 });
    const held = await stage.linkBank({ perWeek: 1, historyDays: 5 }, { userId, historyDays: 5 });
    await stage.drain();
    await stage.advance(6 * MINUTE);
    const page = await visit(userId, { isFrozen: true });
    await syncNow(page, held.accountId).waitFor(PATIENCE);
    await isLive(scene, page, held.accountId);

    const holder = await stage.owner.connect();
    try {
      await holder.query("begin");
      await holder.query("select from app_private.sync_states where account_id = $1 for update", [held.accountId]);
      await syncNow(page, held.accountId).click();
      await sees(page, held.accountId, "Asking…");
      t.is(await cardOf(page, held.accountId).locator(".sync-message").innerText(), "", "nothing is known yet");
      await holder.query("commit");
    } finally {
      holder.release();
    }
    await sees(page, held.accountId, /^First in line/);

    const before = asked.filter((name) => name === "RequestSync").length;
    const taps = times.parse(await page.evaluate(TAP_ALL));
    t.is(taps.length, 20);
    t.is(asked.filter((name) => name === "RequestSync").length - before, 20, "one question a tap");
    const told = (["visible", "answered"] as const).map((what) => {
      const values = taps.map((tap) => tap[what]);
      return `${what}: median ${percentile(values, 0.5).toFixed(0)} ms, 95th percentile ${percentile(values, 0.95).toFixed(0)} ms`;
    });
    t.log(told.join("; "));
  }),
);

const shifts = z.array(z.object({ value: z.number(), moved: z.array(z.string()) }));
const WATCH_SHIFTS = `(() => {
  window.shifts = [];
  const name = ({ node }) => node?.className || node?.nodeName || "";
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.shifts.push({ value: entry.value, moved: entry.sources.map(name) });
  }).observe({ type: "layout-shift" });
})()`;

for (const [device, viewport] of [
  ["a desktop", { width: 1280, height: 900 }],
  ["a phone", { width: 360, height: 740 }],
] as const) {
  test.serial(
    `nothing moves on ${device} while accounts are synced`,
    onPageStage(async (t, scene) => {
      t.timeout(300_000);
      const { stage, visit, work } = scene;
      const userId = randomUUID();
      const banks = [
        await stage.linkBank(
          { perWeek: 40, historyDays: 90, realtime: { durationMs: 7000 } },
          { userId, historyDays: 60 },
        ),
        await stage.linkBank({ perWeek: 5, historyDays: 20 }, { userId, historyDays: 10 }),
      ];
      const page = await visit(userId, { isFrozen: true, viewport });
      for (const { accountId } of banks) await sees(page, accountId, "In line");
      await page.evaluate("document.fonts.ready");
      for (const { accountId } of banks) await isLive(scene, page, accountId);
      await page.evaluate(WATCH_SHIFTS);
      work();
      const [waiting] = banks;
      if (waiting !== undefined) await sees(page, waiting.accountId, "Waiting for the bank");
      await stage.advance(7000);
      await page.clock.setFixedTime(stage.now());
      for (const { accountId } of banks) await sees(page, accountId, "Up to date");
      if (waiting !== undefined) {
        await moveOn(scene, page, 6 * MINUTE);
        await syncNow(page, waiting.accountId).click(PATIENCE);
        await sees(page, waiting.accountId, "Waiting for the bank");
        await stage.advance(7000);
        await page.clock.setFixedTime(stage.now());
        await sees(page, waiting.accountId, "Up to date");
      }
      // What the observer is told comes with the next frames.
      await page.evaluate(
        "new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(drawn))))",
      );
      t.deepEqual(shifts.parse(await page.evaluate("window.shifts")), []);

      // The observer does see what moves.
      await page.evaluate("document.querySelector('main').style.paddingTop = '40px'");
      await until(async () => (await page.evaluate("window.shifts.length")) !== 0, "a shift is seen");
    }),
  );
}
