import test from "ava";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import { alice, bob, linkMono } from "../testing/world.ts";

/** Whoever knows an id can make up a row with it: the function may not believe the row. */
const STATE = `select (app_public.accounts_sync_state(
  jsonb_populate_record(null::app_public.accounts, jsonb_build_object('id', $1::text, 'user_id', $2::text))
)).phase::text as phase`;

test(
  "a made-up row opens no state but one's own",
  withDb(async (t, db) => {
    const { accountId } = await linkMono(db);
    await asUser(db, bob);
    t.deepEqual(await rowOf(db, STATE, [accountId, bob]), { phase: null });
    t.deepEqual(await rowOf(db, STATE, [accountId, alice]), { phase: null });
    await asVisitorNobody(db);
    t.deepEqual(await rowOf(db, STATE, [accountId, alice]), { phase: null });
    await asUser(db, alice);
    t.deepEqual(await rowOf(db, STATE, [accountId, alice]), { phase: "queued" });
  }),
);

test(
  "marking as read, counting unread and the status of platforms stay with one's own",
  withDb(async (t, db) => {
    const { accountId } = await linkMono(db);
    await db.query(
      `insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at)
       select $1, $2, 'mono', 'recovered', now() from generate_series(1, 3)`,
      [alice, accountId],
    );
    await asUser(db, bob);
    t.is(await valueOf(db, "select count(*)::int from app_public.mark_notifications_read()"), 0);
    t.is(await valueOf(db, "select app_public.unread_notifications()"), 0);
    t.is(await valueOf(db, "select sum(accounts)::int from app_public.platform_sync_status()"), 0);
    await asVisitorNobody(db);
    t.is(await valueOf(db, "select count(*)::int from app_public.platform_sync_status()"), 0);
    await asUser(db, alice);
    t.is(await valueOf(db, "select app_public.unread_notifications()"), 3);
    t.is(await valueOf(db, "select sum(accounts)::int from app_public.platform_sync_status()"), 1);
    t.is(
      await valueOf(
        db,
        "select count(*)::int from app_public.mark_notifications_read(array(select min(id) from app_public.notifications))",
      ),
      1,
    );
    t.is(await valueOf(db, "select count(*)::int from app_public.mark_notifications_read()"), 2);
    t.is(await valueOf(db, "select count(*)::int from app_public.mark_notifications_read()"), 0);
  }),
);

test(
  "all of one's accounts are asked for at once, each answered for itself, and the same key answers the same",
  withDb(async (t, db) => {
    const mine = [await linkMono(db), await linkMono(db)].map(({ accountId }) => accountId);
    await linkMono(db, { userId: bob });
    await db.query("delete from graphile_worker._private_jobs");
    await asUser(db, alice);
    const ask = () =>
      rowsOf(db, "select account_id, outcome::text from app_public.request_all_syncs('12345678') order by account_id");
    const first = await ask();
    t.deepEqual(
      first,
      mine.toSorted().map((account_id) => ({ account_id, outcome: "queued" })),
    );
    t.deepEqual(await ask(), first);
    await asOwner(db);
    t.is(await valueOf(db, "select count(*)::int from graphile_worker.jobs"), 2);
  }),
);
