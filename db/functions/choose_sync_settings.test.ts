import test from "ava";
import type { Queryable } from "../queryable.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asAdmin, asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  fail,
  finish,
  linkMomo,
  linkMono,
  noon,
  setClock,
  stateRow,
} from "../testing/world.ts";

type Choice = { interval?: string; hour?: number; zone?: string; notifications?: boolean };

async function choose(
  db: Queryable,
  userId: string,
  { interval, hour, zone, notifications }: Choice,
  platform = "mono",
) {
  await asUser(db, userId);
  const row = await rowOf(
    db,
    `select user_id, platform_source::text, sync_interval::text, preferred_hour, time_zone, notifications_enabled
     from app_public.choose_sync_settings($1, $2, $3, $4, $5)`,
    [platform, interval ?? null, hour ?? null, zone ?? null, notifications ?? true],
  );
  await asOwner(db);
  return row;
}

/** An account that was synced at noon, and every account of it daily: enough activity. */
async function synced(db: Queryable, userId = alice): Promise<Account> {
  await setClock(db, noon);
  const account = await linkMono(db, { userId });
  await finish(db, await begin(db, account));
  await db.query("update app_private.sync_states set activity = 12");
  await db.query("select app_private.reschedule(array(select account_id from app_private.sync_states))");
  return account;
}

const nextSyncAt = async (db: Queryable, account: Account): Promise<string> =>
  String((await stateRow(db, account)).next_sync_at);

test(
  "a choice is kept, changed and taken back, each user's and platform's its own",
  withDb(async (t, db) => {
    t.deepEqual(await choose(db, alice, { interval: "12:00", hour: 7, zone: "Asia/Kathmandu", notifications: false }), {
      user_id: alice,
      platform_source: "mono",
      sync_interval: "12:00:00",
      preferred_hour: 7,
      time_zone: "Asia/Kathmandu",
      notifications_enabled: false,
    });
    t.like(await choose(db, alice, { interval: "2 days" }), {
      sync_interval: "2 days",
      preferred_hour: null,
      time_zone: null,
    });
    await choose(db, alice, { hour: 23 }, "mtn_momo");
    await choose(db, bob, {});
    t.deepEqual(
      await rowsOf(
        db,
        "select user_id, platform_source::text as platform, sync_interval::text from app_public.sync_settings order by 1, 2",
      ),
      [
        { user_id: alice, platform: "mono", sync_interval: "2 days" },
        { user_id: alice, platform: "mtn_momo", sync_interval: null },
        { user_id: bob, platform: "mono", sync_interval: null },
      ],
    );
  }),
);

test(
  "one's own accounts of that platform are scheduled anew at once, from their last attempt",
  withDb(async (t, db) => {
    const account = await synced(db);
    const wallet = await linkMomo(db);
    await finish(db, await begin(db, wallet, "worker-1", "mtn_momo"));
    const bobs = await synced(db, bob);
    const before = {
      own: await nextSyncAt(db, account),
      wallet: await nextSyncAt(db, wallet),
      bobs: await nextSyncAt(db, bobs),
    };
    await choose(db, alice, { hour: 9, zone: "Asia/Kathmandu" });
    const own = await nextSyncAt(db, account);
    t.not(own, before.own);
    // Kathmandu is UTC+5:45; whoever names an hour is synced within it.
    t.is(await valueOf(db, "select extract(hour from $1::timestamptz at time zone 'Asia/Kathmandu')::int", [own]), 9);
    t.is(await nextSyncAt(db, wallet), before.wallet);
    t.is(await nextSyncAt(db, bobs), before.bobs);
    await choose(db, alice, {});
    t.is(await nextSyncAt(db, account), before.own, "taken back");
  }),
);

test(
  "accounts that are due, running, or waiting out a failure keep their time",
  withDb(async (t, db) => {
    const [due, running, failing, idle] = [await synced(db), await synced(db), await synced(db), await synced(db)];
    await fail(db, await begin(db, failing), "transient");
    await begin(db, running);
    await db.query("update app_private.sync_states set next_sync_at = '2026-03-10 11:00:00+00' where account_id = $1", [
      due.accountId,
    ]);
    const before = [await nextSyncAt(db, due), await nextSyncAt(db, running), await nextSyncAt(db, failing)];
    const idleBefore = await nextSyncAt(db, idle);
    await choose(db, alice, { interval: "1 hour" });
    t.deepEqual([await nextSyncAt(db, due), await nextSyncAt(db, running), await nextSyncAt(db, failing)], before);
    t.not(await nextSyncAt(db, idle), idleBefore);
  }),
);

test(
  "a reference that is open is asked for no later because of a choice",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const wallet = await linkMomo(db);
    await finish(db, await begin(db, wallet, "worker-1", "mtn_momo"));
    await db.query("select app_private.track_reference($1, gen_random_uuid())", [wallet.accountId]);
    t.is(await nextSyncAt(db, wallet), "2026-03-10 12:00:30+00");
    await choose(db, alice, { interval: "7 days" }, "mtn_momo");
    t.is(await nextSyncAt(db, wallet), "2026-03-10 12:00:30+00");
  }),
);

for (const [what, choice] of [
  ["an interval under 15 minutes", { interval: "14 min" }],
  ["no interval at all", { interval: "0" }],
  ["an interval backwards", { interval: "-1 day" }],
  ["an interval over 30 days", { interval: "31 days" }],
  ["an interval of a day and a half", { interval: "36 hours" }],
  ["an hour before the day", { hour: -1 }],
  ["an hour after the day", { hour: 24 }],
  ["a zone that is none", { zone: "Africa/Atlantis" }],
  ["an offset instead of a zone", { zone: "UTC+1" }],
] as const) {
  test(
    `SETNV: ${what}`,
    withDb(async (t, db) => {
      t.is((await refusalOf(db, () => choose(db, alice, choice))).code, "SETNV");
      t.is(await valueOf(db, "select count(*) from app_public.sync_settings"), "0");
    }),
  );
}

test(
  "the edges of what makes sense are taken",
  withDb(async (t, db) => {
    for (const interval of ["15 min", "90 min", "23:59", "1 day", "48 hours", "30 days"])
      await choose(db, alice, { interval });
    for (const hour of [0, 23]) await choose(db, alice, { hour });
    t.is(await valueOf(db, "select preferred_hour from app_public.sync_settings"), 23);
  }),
);

test(
  "NTFND: nobody has settings",
  withDb(async (t, db) => {
    const refusal = await refusalOf(db, async () => {
      await asVisitorNobody(db);
      await db.query("select app_public.choose_sync_settings('mono')");
    });
    t.is(refusal.code, "NTFND");
    await choose(db, alice, {});
  }),
);

const hoursTo = (db: Queryable, { accountId }: Account): Promise<unknown> =>
  valueOf(
    db,
    `select app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)::text
     from app_private.sync_states s join app_public.accounts a on a.id = s.account_id
     join app_private.platforms p on p.platform_source = s.platform_source
     left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = s.platform_source
     where account_id = $1`,
    [accountId],
  );

test(
  "the operator's word: the account's over the platform's over the user's, and taken back",
  withDb(async (t, db) => {
    const [account, other] = [await synced(db), await synced(db, bob)];
    await choose(db, alice, { interval: "7 days" });
    const admin = async (sql: string, values: unknown[]) => {
      await asAdmin(db);
      const answer = await valueOf(db, sql, values);
      await asOwner(db);
      return answer;
    };
    const platform = "select app_admin.override_platform_interval('mono', $1, 'a test')";
    const one = "select app_admin.override_account_interval($1, $2, 'a test')";
    t.is(await admin(platform, ["2 days"]), 2);
    t.is(await admin(one, [account.accountId, "1 hour"]), 1);
    t.deepEqual([await hoursTo(db, account), await hoursTo(db, other)], ["01:00:00", "2 days"]);
    t.true((await nextSyncAt(db, account)) < "2026-03-10 13:15:01+00", "scheduled anew");
    await admin(one, [account.accountId, null]);
    t.is(await hoursTo(db, account), "2 days");
    await admin(platform, [null]);
    t.deepEqual([await hoursTo(db, account), await hoursTo(db, other)], ["7 days", "1 day"]);

    const codes = [];
    for (const [sql, values] of [
      [platform, ["14 min"]],
      [one, [account.accountId, "36 hours"]],
      [one, ["99999999-9999-4999-8999-999999999999", "1 day"]],
    ] as const) {
      codes.push((await refusalOf(db, () => admin(sql, [...values]))).code);
    }
    t.deepEqual(codes, ["SETNV", "SETNV", "NTFND"]);
  }),
);

test(
  "only the operator overrides",
  withDb(async (t, db) => {
    const account = await synced(db);
    const refusal = await refusalOf(db, async () => {
      await asUser(db, alice);
      await db.query("select app_admin.override_account_interval($1, '15 min', 'a test')", [account.accountId]);
    });
    t.is(refusal.code, "42501");
    await asAdmin(db);
    t.is(
      await valueOf(db, "select app_admin.override_account_interval($1, '15 min', 'a test')", [account.accountId]),
      1,
    );
  }),
);
