import test from "ava";
import type { Client } from "pg";
import { receiveWebhooks } from "../queries/webhooks.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asAdmin, asOwner, asUser, asWorker } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  emptyQueue,
  fail,
  finish,
  incoming,
  jobs,
  linkMomo,
  linkMono,
  noon,
  page,
  save,
  setClock,
  tryBegin,
} from "../testing/world.ts";

/** Business time moves on by an interval. */
const pass = (db: Client, interval: string) =>
  db.query("select app_private.set_clock(app_private.clock() + $1::interval)", [interval]);

/** What everybody was told, oldest first. */
const told = (db: Client) => listOf(db, "select kind from app_public.notifications order by id");

const episode = (db: Client) => rowOf(db, "select * from app_private.auth_episodes");

/** A run of the account that ends so. */
const failing = async (db: Client, account: Account, kind: Parameters<typeof fail>[2], platform?: "mtn_momo") =>
  fail(db, await begin(db, account, "worker-1", platform), kind);
const succeeding = async (db: Client, account: Account) => finish(db, await begin(db, account));

test(
  "detected, told in the same transaction, and told once, however often it is found again",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    await failing(db, account, "auth_required");
    t.like(await episode(db), {
      detected_at: "2026-03-10 12:00:00+00",
      told_at: "2026-03-10 12:00:00+00",
      relapses: 0,
    });
    t.like(await rowOf(db, "select * from app_public.notifications"), {
      user_id: alice,
      account_id: account.accountId,
      kind: "reauth_required",
      created_at: "2026-03-10 12:00:00+00",
      params: {},
    });
    t.deepEqual(
      (await jobs(db)).map(({ task, max_attempts: attempts }) => [task, attempts]),
      [["send_onesignal", 3]],
      "and its job is there",
    );
    for (const again of ["1 day", "1 day"]) {
      await pass(db, again);
      await failing(db, account, "auth_required");
    }
    await receiveWebhooks(db, [ended(account)]);
    await db.query("select app_private.process_webhooks()");
    t.deepEqual(await told(db), ["reauth_required"]);
    t.is((await rowsOf(db, "select from app_private.auth_episodes")).length, 1);
  }),
);

const ended = ({ accountId }: Account) => ({
  platform: "mono" as const,
  dedupeKey: `ended ${accountId}`,
  bodyHmac: Buffer.alloc(32).toString("base64"),
  event: "mono.events.reauthorisation_required",
  providerAccountId: `mono-${accountId}`,
});

test(
  "a webhook opens the episode by itself and tells of it in its own transaction",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await pass(db, "1 hour");
    await receiveWebhooks(db, [ended(account)]);
    await emptyQueue(db);
    await db.query("select app_private.process_webhooks()");
    t.like(await episode(db), { detected_by: null, told_at: "2026-03-10 13:00:00+00" });
    t.deepEqual(await told(db), ["reauth_required"]);
    t.deepEqual(
      (await jobs(db)).map(({ task }) => task),
      ["send_onesignal"],
    );
  }),
);

test(
  "a transaction that is rolled back has told nobody",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    await db.query("savepoint before");
    await failing(db, account, "auth_required");
    t.deepEqual(await told(db), ["reauth_required"], "the control");
    await db.query("rollback to savepoint before");
    t.deepEqual([await told(db), await jobs(db)], [[], []]);
  }),
);

test(
  "a wrong key of ours is nobody's notification, nor is any other failure of a moment",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    for (const kind of ["configuration", "rate_limited", "transient", "invalid_response", "interrupted"] as const) {
      await failing(db, account, kind);
      await db.query("update app_private.platforms set paused_until = null");
    }
    t.deepEqual(await told(db), []);
    t.deepEqual(await jobs(db), []);
    for (let day = 0; day < 10; day += 1) {
      await failing(db, account, "configuration");
      await pass(db, "1 day");
    }
    t.deepEqual(await told(db), [], "however long it takes the operator");
    await failing(db, account, "auth_required");
    t.deepEqual(await told(db), ["reauth_required"], "the control");
  }),
);

test(
  "a relapse within 24 hours goes on with the same episode, without a second word; a day later it is a new one",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await failing(db, account, "auth_required");
    await pass(db, "2 hours");
    await succeeding(db, account);
    t.like(await episode(db), { recovered_at: "2026-03-10 14:00:00+00", closed_by: "sync" });
    await pass(db, "23:59:59");
    await failing(db, account, "auth_required");
    t.like(await episode(db), {
      detected_at: "2026-03-10 12:00:00+00",
      recovered_at: null,
      closed_by: null,
      relapses: 1,
      reopened_at: "2026-03-11 13:59:59+00",
    });
    t.deepEqual(await told(db), ["reauth_required"]);
    await succeeding(db, account);
    await pass(db, "24 hours");
    await failing(db, account, "auth_required");
    t.is((await rowsOf(db, "select from app_private.auth_episodes")).length, 2);
    t.deepEqual(await told(db), ["reauth_required", "reauth_required"]);
  }),
);

test(
  "what had not reached its owner when an episode seemed over is on its way again after a relapse; what had is not",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    await failing(db, account, "auth_required");
    await succeeding(db, account);
    await asWorker(db);
    const [id] = await listOf(db, "select key from graphile_worker.jobs where task_identifier = 'send_onesignal'");
    const delivery = String(id).replace("delivery:", "");
    const claim = () =>
      rowsOf(db, "select id from app_private.begin_deliveries('onesignal', 'w', array[$1::uuid])", [delivery]);
    t.deepEqual(await claim(), []);
    await asOwner(db);
    const states = () => rowsOf(db, "select channel::text, outcome, code from app_private.deliveries order by channel");
    t.deepEqual(await states(), [
      { channel: "in_app", outcome: "delivered", code: null },
      { channel: "onesignal", outcome: "superseded", code: "recovered" },
    ]);
    await emptyQueue(db);
    await pass(db, "1 hour");
    await failing(db, account, "auth_required");
    t.deepEqual((await states())[1], { channel: "onesignal", outcome: null, code: null });
    t.is((await jobs(db)).length, 1);
    t.deepEqual(await claim(), [{ id: delivery }]);
    await db.query("select app_private.record_deliveries($1)", [
      JSON.stringify([{ id: delivery, attempt: 1, kind: "delivered" }]),
    ]);
    await succeeding(db, account);
    await failing(db, account, "auth_required");
    t.like((await states())[1], { outcome: "delivered" });
    t.deepEqual(await told(db), ["reauth_required"]);
  }),
);

test(
  "unlinking ends an episode, which is no recovery; linked anew, an account begins another one",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    await failing(db, account, "auth_required", "mtn_momo");
    await db.query("select app_private.unlink_accounts(array[$1::uuid])", [account.accountId]);
    t.like(await episode(db), { closed_by: "unlinked" });
    await asAdmin(db);
    t.like(await rowOf(db, "select * from app_admin.auth_episodes"), {
      state: "unlinked",
      recovered_at: null,
      took: null,
    });
    await asOwner(db);
    await linkMomo(db, {
      accountId: account.accountId,
      externalId: String(await valueOf(db, "select mtn_reference_id from app_public.accounts")),
    });
    await failing(db, account, "auth_required", "mtn_momo");
    t.is((await rowsOf(db, "select from app_private.auth_episodes")).length, 2);
  }),
);

test(
  "one reminder, after the platform's time, not before, not again, and not where it was switched off",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const bank = await linkMono(db);
    const wallet = await linkMomo(db);
    await db.query("update app_private.platforms set reminder_after = null where platform_source = 'mtn_momo'");
    await failing(db, bank, "auth_required");
    await failing(db, wallet, "auth_required", "mtn_momo");
    const remind = async () => {
      await asWorker(db);
      const reminded = await valueOf(db, "select app_private.remind_owners()");
      await asOwner(db);
      return reminded;
    };
    await pass(db, "2 days 23:59");
    t.is(await remind(), 0);
    await pass(db, "1 minute");
    t.is(await remind(), 1);
    t.is(await remind(), 0);
    await pass(db, "30 days");
    t.is(await remind(), 0);
    t.deepEqual(
      await rowsOf(db, "select kind::text, account_id from app_public.notifications where kind = 'reauth_reminder'"),
      [{ kind: "reauth_reminder", account_id: bank.accountId }],
    );
  }),
);

test(
  "who has come back is not reminded, and a relapse starts the wait anew",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await failing(db, account, "auth_required");
    await pass(db, "2 days");
    await succeeding(db, account);
    await pass(db, "2 days");
    t.is(await valueOf(db, "select app_private.remind_owners()"), 0);
    await setClock(db, "2026-03-13T11:00:00Z");
    await failing(db, account, "auth_required");
    await setClock(db, "2026-03-16T10:59:00Z");
    t.is(await valueOf(db, "select app_private.remind_owners()"), 0);
    await setClock(db, "2026-03-16T11:00:00Z");
    t.is(await valueOf(db, "select app_private.remind_owners()"), 1);
  }),
);

test(
  "all good, 37 new transactions: told to whoever asked for it, once an episode, and to nobody else",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const mine = await linkMono(db);
    const theirs = await linkMono(db, { userId: bob });
    await asUser(db, alice);
    await db.query("select app_public.choose_notification_settings(tell_recovery => true)");
    await asOwner(db);
    for (const account of [mine, theirs]) {
      await failing(db, account, "auth_required");
      await pass(db, "1 hour");
      const lease = await begin(db, account);
      const rows = Array.from({ length: 37 }, (_, n) => incoming(`t${n}`, "2026-03-05"));
      await save(db, page(lease, rows));
      await finish(db, lease);
    }
    t.deepEqual(await rowsOf(db, "select user_id, params from app_public.notifications where kind = 'recovered'"), [
      { user_id: alice, params: { newTransactions: 37 } },
    ]);
    await failing(db, mine, "auth_required");
    await succeeding(db, mine);
    t.is((await told(db)).filter((kind) => kind === "recovered").length, 1);
  }),
);

test(
  "an account that keeps failing for another reason for three of its intervals is told once, until it works again",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await asUser(db, alice);
    await db.query("select app_public.choose_sync_settings('mono', '6 hours')");
    await asOwner(db);
    await failing(db, account, "invalid_response");
    await pass(db, "17:59");
    await failing(db, account, "transient");
    t.deepEqual(await told(db), []);
    await pass(db, "1 minute");
    await failing(db, account, "transient");
    t.deepEqual(await told(db), ["sync_failing"]);
    t.deepEqual(await valueOf(db, "select params from app_public.notifications"), { failureKind: "transient" });
    await pass(db, "3 days");
    await failing(db, account, "transient");
    t.deepEqual(await told(db), ["sync_failing"]);
    await succeeding(db, account);
    await failing(db, account, "account_gone");
    await pass(db, "18 hours");
    await failing(db, account, "account_gone");
    t.deepEqual(await told(db), ["sync_failing", "sync_failing"]);
  }),
);

test(
  "a link that needs its owner is no reason that lasts: the count of intervals starts after it",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await db.query("update app_private.platforms set admin_interval = '6 hours'");
    const account = await linkMono(db);
    await failing(db, account, "transient");
    await pass(db, "12 hours");
    await failing(db, account, "auth_required");
    await pass(db, "12 hours");
    await failing(db, account, "transient");
    await pass(db, "17 hours");
    await failing(db, account, "transient");
    t.deepEqual(await told(db), ["reauth_required"]);
    await pass(db, "1 hour");
    await failing(db, account, "transient");
    t.deepEqual(await told(db), ["reauth_required", "sync_failing"]);
  }),
);

/** Five accounts of GTBank, each another user's, fail: its incident is open. */
async function bankDown(db: Client): Promise<Account[]> {
  const accounts: Account[] = [];
  for (let n = 1; n <= 5; n += 1) {
    const userId = `00000000-0000-4000-8000-00000000000${n}`;
    accounts.push(await linkMono(db, { userId, institution: "GTBank", institutionCode: "058" }));
  }
  for (const account of accounts) await failing(db, account, "transient");
  return accounts;
}

test(
  "a bank that is down: one incident, told once to each person it touches, and to nobody else",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const others = [
      await linkMono(db, { userId: alice, institution: "GTBank", institutionCode: "058" }),
      await linkMono(db, { userId: alice, institution: "GTBank", institutionCode: "058" }),
    ];
    const elsewhere = await linkMono(db, { userId: bob, institution: "Access Bank", institutionCode: "044" });
    const untouched = await linkMono(db, { userId: bob, institution: "GTBank", institutionCode: "058" });
    await bankDown(db);
    const outage = () =>
      listOf(db, "select user_id from app_public.notifications where kind = 'provider_down' order by user_id");
    const first = Array.from({ length: 5 }, (_, n) => `00000000-0000-4000-8000-00000000000${n + 1}`);
    t.deepEqual(await outage(), first, "those whose failures told of it");
    for (const account of others) t.is((await tryBegin(db, account)).outcome, "provider_down");
    t.deepEqual(await outage(), [...first, alice], "she once, though both of her accounts wait");
    for (const account of others) await tryBegin(db, account);
    t.is((await outage()).length, 6);
    t.deepEqual(await valueOf(db, "select distinct params from app_public.notifications"), { institution: "GTBank" });
    await succeeding(db, elsewhere);
    t.false((await outage()).includes(bob), "his account there was not due");

    await pass(db, "1 minute");
    await succeeding(db, untouched);
    t.deepEqual(
      await listOf(
        db,
        "select user_id from app_public.notifications where kind = 'provider_recovered' order by user_id",
      ),
      [...first, alice],
      "that it is back is told to whoever was told",
    );
  }),
);

test(
  "nobody is asked to re-authenticate while the bank is down; who still has to when it is back is told then",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const caught = await linkMono(db, { institution: "GTBank", institutionCode: "058" });
    const later = await linkMono(db, { userId: bob, institution: "GTBank", institutionCode: "058" });
    const lease = await begin(db, caught);
    const laterLease = await begin(db, later);
    const [probe] = await bankDown(db);
    await fail(db, lease, "auth_required");
    await fail(db, laterLease, "auth_required");
    t.like(await rowOf(db, "select * from app_private.auth_episodes where account_id = $1", [caught.accountId]), {
      told_at: null,
      recovered_at: null,
    });
    const asked = () => listOf(db, "select user_id from app_public.notifications where kind = 'reauth_required'");
    t.deepEqual(await asked(), []);
    await pass(db, "4 days");
    t.is(await valueOf(db, "select app_private.remind_owners()"), 0);
    if (probe === undefined) throw new Error("five accounts failed");
    await succeeding(db, probe);
    await failing(db, caught, "auth_required");
    await succeeding(db, later);
    t.deepEqual(await asked(), [alice]);
  }),
);

test(
  "a whole platform down after one of its banks is no second word to the same person",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = await bankDown(db);
    for (let n = 1; n <= 9; n += 1) {
      const userId = `00000000-0000-4000-8000-0000000000${n}0`;
      accounts.push(await linkMono(db, { userId, institutionCode: `10${n}` }));
    }
    for (const account of accounts.slice(5)) await failing(db, account, "provider_down");
    await pass(db, "1 minute");
    const [first] = accounts;
    if (first === undefined) throw new Error("five accounts failed");
    await failing(db, first, "provider_down");
    t.is(await valueOf(db, "select count(*)::int from app_private.incidents where closed_at is null"), 2);
    t.deepEqual(
      await rowsOf(
        db,
        "select count(*)::int as words, count(distinct user_id)::int as people from app_public.notifications where kind = 'provider_down'",
      ),
      [{ words: 14, people: 14 }],
    );
  }),
);

test(
  "operators see how long people took to come back",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { institutionCode: "058" });
    await failing(db, account, "auth_required");
    await pass(db, "90 minutes");
    await db.query("select app_private.record_tap($1)", [account.accountId]);
    await asAdmin(db);
    t.like(await rowOf(db, "select *, waiting_for::text as waits from app_admin.auth_episodes"), {
      state: "tapped",
      waits: "01:30:00",
      took: null,
    });
    await asOwner(db);
    await pass(db, "10 minutes");
    await succeeding(db, account);
    await asAdmin(db);
    t.deepEqual(
      await rowOf(
        db,
        `select state, institution_code, told_to_tapped::text, tapped_to_recovered::text, took::text, waiting_for
         from app_admin.auth_episodes`,
      ),
      {
        state: "recovered",
        institution_code: "058",
        told_to_tapped: "01:30:00",
        tapped_to_recovered: "00:10:00",
        took: "01:40:00",
        waiting_for: null,
      },
    );
  }),
);
