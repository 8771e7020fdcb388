import test from "ava";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import { alice, begin, bob, linkMono } from "../testing/world.ts";

const STATES = "select account_id, phase::text from app_public.account_sync_states";

test(
  "everybody sees the states of their own accounts, and nobody the function behind them",
  withDb(async (t, db) => {
    const { accountId } = await linkMono(db);
    await linkMono(db, { userId: bob });
    await asUser(db, alice);
    t.deepEqual(await rowsOf(db, STATES), [{ account_id: accountId, phase: "queued" }]);
    const byName = await refusalOf(db, () => db.query("select from app_private.account_sync_states()"));
    t.is(byName.code, "42501");
    await asUser(db, bob);
    t.is(await valueOf(db, `select count(*)::int from (${STATES}) s where account_id = $1`, [accountId]), 0);
    t.is((await rowsOf(db, STATES)).length, 1);
    await asVisitorNobody(db);
    t.deepEqual(await rowsOf(db, STATES), []);
  }),
);

test(
  "a made-up row of another's account opens no run of it",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    await begin(db, account);
    const RUN = `select (app_public.accounts_latest_run(
      jsonb_populate_record(null::app_public.accounts, jsonb_build_object('id', $1::text, 'user_id', $2::text))
    )).status::text as status`;
    await asUser(db, bob);
    for (const userId of [alice, bob]) t.deepEqual(await rowOf(db, RUN, [account.accountId, userId]), { status: null });
    await asUser(db, alice);
    t.deepEqual(await rowOf(db, RUN, [account.accountId, alice]), { status: "in_progress" });
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
