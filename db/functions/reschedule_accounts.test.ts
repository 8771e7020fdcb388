import test from "ava";
import type { Client } from "pg";
import { rescheduleAccounts } from "../queries/reschedulings.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { asAdmin, asOwner, asWorker } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  emptyQueue,
  fail,
  finish,
  jobs,
  linkMomo,
  linkMono,
  noon,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

/** Accounts by their ids, synced at noon, daily; each is of another login, with a share that never changes. */
async function synced(db: Client, count: number, users: string[] = []): Promise<Account[]> {
  await setClock(db, noon);
  await db.query("update app_private.platforms set default_interval = '1 day'");
  const accounts: Account[] = [];
  for (let n = 1; n <= count; n += 1) {
    const accountId = `${String(n).padStart(8, "0")}-0000-4000-8000-000000000000`;
    const account = await linkMono(db, { accountId, userId: users[n - 1] ?? alice, loginKey: `login ${n}` });
    await finish(db, await begin(db, account));
    accounts.push(account);
  }
  await db.query("update app_private.sync_states set activity = 12");
  await db.query("select app_private.reschedule(array(select account_id from app_private.sync_states))");
  await emptyQueue(db);
  return accounts;
}

/** The operator's word; answers how many accounts it will reach. */
async function override(db: Client, interval: string | null, platform = "mono"): Promise<unknown> {
  await asAdmin(db);
  const answer = await valueOf(db, "select app_admin.override_platform_interval($1, $2, 'a test')", [
    platform,
    interval,
  ]);
  await asOwner(db);
  return answer;
}

/** One batch, as the worker. */
async function batch(db: Client, limit = 1000) {
  await asWorker(db);
  const answer = await rescheduleAccounts(db, "mono", limit);
  await asOwner(db);
  return answer;
}

/** Hours from noon to when an account is due. */
const allHours = async (db: Client, accounts: Account[]): Promise<number[]> =>
  (
    await listOf(
      db,
      `select (extract(epoch from s.next_sync_at) - extract(epoch from $2::timestamptz)) / 3600
       from unnest($1::uuid[]) with ordinality as a (id, n) join app_private.sync_states s on s.account_id = a.id order by a.n`,
      [accounts.map(({ accountId }) => accountId), noon],
    )
  ).map(Number);

const hoursTo = async (db: Client, account: Account): Promise<number> => (await allHours(db, [account]))[0] ?? NaN;

const progress = async (db: Client) => {
  await asAdmin(db);
  const told = await rowOf(db, "select * from app_admin.reschedulings");
  await asOwner(db);
  return told;
};

test(
  "a change schedules nobody itself: it leaves one job, and batches reach every account of the platform once, by their ids",
  withDb(async (t, db) => {
    const accounts = await synced(db, 5);
    const wallet = await linkMomo(db);
    await finish(db, await begin(db, wallet, "worker-1", "mtn_momo"));
    await emptyQueue(db);
    const [before, elsewhere] = [await allHours(db, accounts), await hoursTo(db, wallet)];
    t.is(await override(db, "6 hours"), 5);
    t.deepEqual(await allHours(db, accounts), before);
    t.deepEqual(
      (await jobs(db)).map(({ task }) => task),
      ["reschedule_accounts"],
    );
    t.like(await progress(db), { accounts: 5, gone_through: 0, rescheduled: 0, locked: 0, ended_at: null });

    t.deepEqual(await batch(db, 2), { outcome: "more", accounts: 5, gone_through: 2, rescheduled: 2, left_over: 0 });
    const half = await allHours(db, accounts);
    t.true(half.slice(0, 2).every((hours) => hours > 0 && hours <= 7.5));
    t.deepEqual(half.slice(2), before.slice(2));
    t.like(await progress(db), { gone_through: 2, ended_at: null });

    t.like(await batch(db, 2), { outcome: "more", gone_through: 4 });
    t.like(await batch(db, 2), { outcome: "done", gone_through: 5, rescheduled: 5 });
    t.true((await allHours(db, accounts)).every((hours) => hours > 0 && hours <= 7.5));
    t.is(await hoursTo(db, wallet), elsewhere);
    t.truthy((await progress(db))["ended_at"]);
    t.regex(String(await valueOf(db, "select last_account_id from app_private.reschedulings")), /^[0-]+$/);
    t.is(await batch(db, 2), null, "nothing is left to do");

    await override(db, null);
    while ((await batch(db, 2)) !== null);
    t.deepEqual(await allHours(db, accounts), before, "taken back, and as often gone through");
    t.is(await valueOf(db, "select count(*) from app_private.reschedulings"), "1");
  }),
);

test(
  "as many accounts as whole batches: the end is found, once; a platform without accounts is done at once",
  withDb(async (t, db) => {
    t.is(await override(db, "6 hours"), 0);
    t.like(await batch(db, 2), { outcome: "done", gone_through: 0 });
    await synced(db, 4);
    t.is(await override(db, "5 hours"), 4);
    const outcomes = [];
    for (let answer = await batch(db, 2); answer !== null; answer = await batch(db, 2)) outcomes.push(answer.outcome);
    t.deepEqual(outcomes, ["more", "more", "done"]);
    t.like(await progress(db), { gone_through: 4, rescheduled: 4 });
  }),
);

test(
  "a second change starts again from the first account, with one job between them",
  withDb(async (t, db) => {
    const accounts = await synced(db, 4);
    await override(db, "6 hours");
    await batch(db, 3);
    await override(db, "30 min");
    t.is((await jobs(db)).length, 1);
    t.like(await progress(db), { gone_through: 0, rescheduled: 0 });
    while ((await batch(db, 3))?.outcome === "more");
    t.true((await allHours(db, accounts)).every((hours) => hours > 0 && hours <= 0.625));
    t.like(await progress(db), { gone_through: 4, rescheduled: 4 });
  }),
);

test(
  "whose moment has passed under the new choice is due within a window's length, not at once, and no later than before",
  withDb(async (t, db) => {
    const accounts = await synced(db, 40);
    await override(db, "14 days");
    while ((await batch(db))?.outcome === "more");
    // Ten days later, daily again: all forty should have been synced nine days ago.
    await setClock(db, "2026-03-20T12:00:00Z");
    const [first = accounts[0]] = accounts;
    await db.query(
      "update app_private.sync_states set next_sync_at = '2026-03-20 12:00:30+00' where account_id = (select min(account_id::text)::uuid from app_private.sync_states)",
    );
    await override(db, "1 day");
    t.like(await batch(db), { outcome: "done", rescheduled: 40 });
    const later = (await allHours(db, accounts)).map((hours) => hours - 240);
    t.true(
      later.every((hours) => hours >= 0 && hours <= 4),
      "within four hours, the window",
    );
    const quarters = [0, 1, 2, 3].map((hour) => later.filter((hours) => Math.floor(hours) === hour).length);
    t.true(
      quarters.every((due) => due >= 4),
      `spread over them: ${String(quarters)}`,
    );
    t.true(first !== undefined && (await hoursTo(db, first)) - 240 <= 30 / 3600);
    // Hourly: within the hour, and not over all the window.
    await override(db, "1 hour");
    await batch(db);
    t.true((await allHours(db, accounts)).every((hours) => hours - 240 >= 0 && hours - 240 <= 1.25));
  }),
);

test(
  "nobody is woken: paused accounts stay paused, those that need their owner or wait out a failure keep their time",
  withDb(async (t, db) => {
    const [healthy, paused, needy, failing, limited, open, unlinked, due] = await synced(db, 8);
    if (!healthy || !paused || !needy || !failing || !limited || !open || !unlinked || !due) throw new Error("eight");
    await fail(db, await begin(db, needy), "auth_required");
    await fail(db, await begin(db, failing), "invalid_response");
    await fail(db, await begin(db, limited), "rate_limited", {});
    await begin(db, open);
    await db.query("update app_private.sync_states set next_sync_at = app_private.clock() where account_id = $1", [
      due.accountId,
    ]);
    await asAdmin(db);
    await db.query("select app_admin.pause_account($1, 'a test')", [paused.accountId]);
    await asOwner(db);
    await db.query("select app_private.unlink_accounts(array[$1::uuid])", [unlinked.accountId]);
    const kept = [needy, failing, limited, open, unlinked, due];
    const before = await allHours(db, kept);

    t.is(await override(db, "30 min"), 7, "the unlinked one is none of them");
    t.like(await batch(db), { outcome: "done", gone_through: 7, rescheduled: 2 });
    t.deepEqual(await allHours(db, kept), before);
    t.true((await hoursTo(db, healthy)) <= 0.625, "the control");
    t.is((await stateRow(db, paused)).enqueued_until, "infinity");
    await setClock(db, "2026-03-10T13:00:00Z");
    await db.query("select app_private.enqueue_due_syncs('mono')");
    const enqueued = JSON.stringify((await jobs(db)).filter(({ task }) => task === "mono_sync"));
    t.true(enqueued.includes(healthy.accountId));
    for (const account of [paused, needy, open, unlinked]) t.false(enqueued.includes(account.accountId));
    t.is((await tryBegin(db, paused)).outcome, "paused");
  }),
);

test(
  "what a user or an operator chose for themselves stands: their accounts keep their times",
  withDb(async (t, db) => {
    const [theirs, single, other] = await synced(db, 3, [bob]);
    if (!theirs || !single || !other) throw new Error("three");
    await db.query(
      `insert into app_public.sync_settings (user_id, platform_source, preferred_hour, time_zone)
       values ($1, 'mono', 20, 'UTC')`,
      [bob],
    );
    await asAdmin(db);
    await db.query("select app_admin.override_account_interval($1, '2 hours', 'a test')", [single.accountId]);
    await asOwner(db);
    const before = await hoursTo(db, single);
    await asAdmin(db);
    t.is(await valueOf(db, "select app_admin.change_sync_window('mono', 'a test', 9, '1 hour', 'UTC')"), 3);
    await asOwner(db);
    t.like(await batch(db), { outcome: "done", rescheduled: 3 });
    t.is(await hoursTo(db, single), before);
    t.true((await hoursTo(db, theirs)) >= 8 && (await hoursTo(db, theirs)) < 9, "from 20:00 on");
    t.true((await hoursTo(db, other)) >= 21 && (await hoursTo(db, other)) < 22, "from 9:00 on");
  }),
);

test(
  "an account whose row is held is not waited for, and has its turn again: an old schedule that commits late is put right",
  twoSessions(async (t, a, b) => {
    const [first, held, last] = await synced(a, 3);
    if (!first || !held || !last) throw new Error("three");
    const lease = await begin(a, held);
    // The run ends while the platform is daily, and has not committed that when the change is made and walked.
    await a.query("begin");
    await finish(a, lease);
    await b.query("set lock_timeout = '10s'");
    await override(b, "30 min");
    t.like(await batch(b, 1), { outcome: "more", rescheduled: 1, left_over: 0 });
    t.like(await batch(b, 1), { outcome: "more", rescheduled: 1, left_over: 1 });
    // As many are left over as a batch has: first those again.
    t.like(await batch(b, 1), { outcome: "locked", gone_through: 2, left_over: 1 });
    t.like(await batch(b, 2), { outcome: "more", gone_through: 3, rescheduled: 2, left_over: 1 });
    t.like(await batch(b, 2), { outcome: "locked", gone_through: 3, rescheduled: 2, left_over: 1 });
    t.like(await progress(b), { locked: 1, ended_at: null });
    t.true((await hoursTo(b, last)) <= 0.625);

    await a.query("commit");
    t.true((await hoursTo(b, held)) > 6, "by the old choice");
    t.like(await batch(b, 2), { outcome: "done", rescheduled: 3, left_over: 0 });
    t.true((await hoursTo(b, held)) <= 0.625);
  }),
);

test(
  "an account whose run is just being opened keeps its time, and its finish follows the new choice",
  twoSessions(async (t, a, b) => {
    const [opening] = await synced(a, 1);
    if (!opening) throw new Error("one");
    await a.query("begin");
    const lease = await begin(a, opening);
    await override(b, "30 min");
    t.like(await batch(b), { outcome: "more", gone_through: 1, left_over: 1 });
    await a.query("commit");
    t.like(await batch(b), { outcome: "done", rescheduled: 0 });
    await finish(a, lease);
    t.true((await hoursTo(a, opening)) <= 0.625);
  }),
);

test(
  "a begin that was refused while it held the row leaves no old schedule behind, nor does an account that is gone hold up the end",
  twoSessions(async (t, a, b) => {
    const [refused, gone] = await synced(a, 2);
    if (!refused || !gone) throw new Error("two");
    await a.query("begin");
    t.is((await tryBegin(a, { ...refused, dueAt: "2026-03-10T11:00:00Z" })).outcome, "stale");
    await a.query("delete from app_public.accounts where id = $1", [gone.accountId]);
    await override(b, "30 min");
    t.like(await batch(b), { outcome: "more", left_over: 2 });
    await a.query("commit");
    t.like(await batch(b), { outcome: "done", rescheduled: 1, left_over: 0 });
    t.true((await hoursTo(a, refused)) <= 0.625);
  }),
);

test(
  "what was left over has its turn before the walk has ended, and does not pass for its end",
  twoSessions(async (t, a, b) => {
    const accounts = await synced(a, 3);
    await a.query("begin");
    await a.query("select from app_private.sync_states order by account_id limit 2 for update");
    await override(b, "30 min");
    t.like(await batch(b, 2), { outcome: "more", gone_through: 2, rescheduled: 0, left_over: 2 });
    await a.query("commit");
    t.like(await batch(b, 2), { outcome: "more", gone_through: 2, rescheduled: 2, left_over: 0 });
    t.like(await batch(b, 2), { outcome: "done", gone_through: 3, rescheduled: 3 });
    t.true((await allHours(b, accounts)).every((hours) => hours > 0 && hours <= 0.625));
  }),
);

test(
  "two workers share it without waiting, a worker that dies in a batch takes that batch with it, and a change under way is not walked",
  twoSessions(async (t, a, b) => {
    const accounts = await synced(a, 4);
    await b.query("set lock_timeout = '10s'");
    await override(a, "30 min");
    await a.query("begin");
    t.like(await batch(a, 2), { gone_through: 2 });
    t.is(await batch(b, 2), null);
    await a.query("rollback");
    t.like(await batch(b, 2), { outcome: "more", gone_through: 2, rescheduled: 2 });
    t.like(await batch(a, 3), { outcome: "done", gone_through: 4, rescheduled: 4 });

    await a.query("begin");
    await override(a, "6 hours");
    t.is(await batch(b), null, "not committed: nothing is to be done");
    await a.query("commit");
    t.like(await batch(b), { outcome: "done", rescheduled: 4 });
    t.true((await allHours(a, accounts)).every((hours) => hours > 0 && hours <= 7.5));
    t.is((await rowsOf(a, "select * from app_admin.reschedulings")).length, 1);
  }),
);
