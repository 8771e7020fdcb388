/**
 * Of the benches, what noise cannot flip: round trips. That unchanged pages write nothing is in save_transactions.test.ts,
 * that a tick costs what is due in enqueue_due_syncs.test.ts.
 */

import test from "ava";
import type { Queryable } from "../../db/queryable.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { complete, emptyLog, incoming, leaseOf, linkMono, noon, page, setClock } from "../../db/testing/world.ts";
import { coalescedVerbs, type RunVerbs } from "../../tasks/@sync/run_verbs.ts";
import { targets } from "./targets.ts";

const RUNS = 20;

const rows = [incoming("t1", "2026-03-09"), incoming("t2", "2026-03-09")];

/** One run that reads its window's two rows, as every other does at this moment; answers how many were new. */
async function sync(verbs: RunVerbs, accountId: string): Promise<number> {
  const leave = verbs.enter();
  const begun = await verbs.begin({ platform: "mono", worker: "worker-1", accountId, trigger: "schedule" });
  if (begun.outcome !== "begun") throw new Error(begun.outcome);
  const lease = leaseOf(begun.details);
  const [window] = begun.details.windows;
  const saved = await verbs.save(
    page(lease, rows, { from: window?.from ?? null, to: window?.to ?? null, ...complete(rows, { asOf: noon }) }),
  );
  await verbs.finish({ ...lease, dataAsOf: noon, log: emptyLog });
  leave();
  return saved.new_count;
}

test(
  "runs of the same moment share their round trips: a quiet sync costs less than half of one",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await setClock(db, noon);
    const accounts: string[] = [];
    for (let nth = 0; nth < RUNS; nth += 1) {
      accounts.push((await linkMono(db, { externalId: `account ${nth}`, historyDays: 3 })).accountId);
    }
    let roundTrips = 0;
    const counting: Queryable = {
      query: (text, values) => {
        roundTrips += 1;
        return db.query(text, values);
      },
    };
    const syncAll = async (): Promise<number[]> => {
      roundTrips = 0;
      const verbs = coalescedVerbs(counting);
      return Promise.all(accounts.map((accountId) => sync(verbs, accountId)));
    };
    const most = targets["quiet"]?.["round_trips_per_sync"];
    t.deepEqual(most, { most: 0.5 });
    t.deepEqual(new Set(await syncAll()), new Set([2]), "the control: the first time its rows are new");
    t.deepEqual(new Set(await syncAll()), new Set([0]));
    t.true(roundTrips / RUNS <= 0.5, `${roundTrips} round trips for ${RUNS} quiet syncs`);
    roundTrips = 0;
    const alone = coalescedVerbs(counting);
    for (const accountId of accounts.slice(0, 2)) await sync(alone, accountId);
    t.is(roundTrips, 6, "the other control: alone, each verb is a round trip");
  }),
);
