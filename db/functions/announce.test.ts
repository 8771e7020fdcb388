import test from "ava";
import type { Client } from "pg";
import { withClonedDb } from "../testing/database.ts";
import { alice, begin, finish, incoming, linkMono, page, save } from "../testing/world.ts";

/** What was announced while `body` ran. A listener hears of its own session's commits at once. */
async function announced(db: Client, body: () => Promise<unknown>): Promise<unknown[]> {
  const heard: unknown[] = [];
  const listener = ({ payload = "" }: { payload?: string | undefined }): void => void heard.push(JSON.parse(payload));
  await db.query("listen tidemark");
  db.on("notification", listener);
  await body();
  await db.query("select");
  db.off("notification", listener);
  return heard;
}

test(
  "a statement announces itself once, with ids only; a page without news announces nothing",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    const account = await linkMono(db);
    const { accountId } = account;
    const begun = await announced(db, () => begin(db, account));
    t.deepEqual(begun, [{ kind: "runs", of: [[accountId, alice, "1"]] }]);
    const lease = { accountId, runId: "1", epoch: 1 };
    const rows = [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06"), incoming("t3", "2026-03-06")];
    t.deepEqual(await announced(db, () => save(db, page(lease, rows))), [
      { kind: "transactions", of: [[accountId, alice, "1", "3"]] },
      { kind: "runs", of: [[accountId, alice, "1"]] },
    ]);
    t.deepEqual(await announced(db, () => save(db, page(lease, rows))), []);
    t.deepEqual(await announced(db, () => finish(db, lease)), [
      { kind: "runs", of: [[accountId, alice, "1"]] },
      { kind: "accounts", of: [[accountId, alice]] },
    ]);
  }),
);

test(
  "a statement that touches many accounts is cut into payloads that NOTIFY takes",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    for (let n = 0; n < 130; n += 1) await linkMono(db);
    const heard = await announced(db, () => db.query("update app_public.accounts set balance = 1"));
    t.is(heard.length, 3);
    t.is(new Set(JSON.stringify(heard).match(/[0-9a-f-]{36}/g)).size, 131);
    t.true(heard.every((payload) => JSON.stringify(payload).length < 7_999));
    t.deepEqual(await announced(db, () => db.query("update app_public.accounts set balance = 1 where false")), []);
  }),
);
