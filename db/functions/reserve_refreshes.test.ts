import test from "ava";
import { rowsOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { type Account, linkMono, linkMomo, noon, setClock, tryBegin } from "../testing/world.ts";

const mayRefresh = async (
  db: Parameters<typeof tryBegin>[0],
  account: Account,
  trigger = "schedule",
): Promise<boolean | null> => {
  const begun = await tryBegin(db, { accountId: account.accountId, trigger });
  return begun.outcome === "begun" ? begun.details.mayRefresh : null;
};

test(
  "paid refreshes are counted with their price, and the day's cap holds, with a tenth kept for people who wait",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await db.query("update app_private.platforms set daily_refresh_cap = 10 where platform_source = 'mono'");
    const allowed: (boolean | null)[] = [];
    for (let nth = 0; nth < 11; nth += 1) allowed.push(await mayRefresh(db, await linkMono(db)));
    t.deepEqual(allowed, [...Array<boolean>(9).fill(true), false, false]);
    t.true(await mayRefresh(db, await linkMono(db), "user"));
    t.false(await mayRefresh(db, await linkMono(db), "user"));
    t.deepEqual(await rowsOf(db, "select day::text, refreshes, cost from app_private.refresh_usage"), [
      { day: "2026-03-10", refreshes: 10, cost: "100" },
    ]);

    // The day is the platform's: 23:30 UTC is tomorrow in Lagos.
    await setClock(db, "2026-03-10T23:30:00.000Z");
    t.true(await mayRefresh(db, await linkMono(db)));
  }),
);

test(
  "without a cap everybody may; without a price nothing is counted",
  withDb(async (t, db) => {
    await setClock(db, noon);
    t.true(await mayRefresh(db, await linkMono(db)));
    const begun = await tryBegin(db, { accountId: (await linkMomo(db)).accountId }, "worker-1", "mtn_momo");
    t.is(begun.outcome === "begun" && begun.details.mayRefresh, true);
    t.deepEqual(await rowsOf(db, "select platform_source, refreshes from app_private.refresh_usage"), [
      { platform_source: "mono", refreshes: 1 },
    ]);
  }),
);
