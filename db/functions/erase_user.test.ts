import { createHash, randomUUID } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { z } from "zod";
import { trackReference } from "../queries/links.ts";
import { beginUnlinkings, completeErasures, confirmUnlinkings } from "../queries/unlinkings.ts";
import { receiveWebhooks } from "../queries/webhooks.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService, asUser, asVisitorNobody, asWorker } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  fail,
  finish,
  incoming,
  jobs,
  linkMomo,
  linkMono,
  noon,
  page,
  save,
  savePushSubscription,
  setClock,
} from "../testing/world.ts";

const hmac = (text: string): string => createHash("sha256").update(text).digest("base64");

type Person = { userId: string; bank: Account; wallet: Account; monoId: string; apiUser: string };

/** A person with something in every table that can hold anything of a person. */
async function personWithEverything(db: Client, userId: string): Promise<Person> {
  const name = userId.slice(0, 4);
  const [monoId, apiUser] = [`mono-${name}`, randomUUID()];
  const credentials = [{ kind: "some_key", keyId: "k1", sealed: Buffer.from("sealed").toString("base64") }];
  const bank = await linkMono(db, { userId, externalId: monoId, credentials, accountName: `Salary of ${name}` });
  const wallet = await linkMomo(db, { userId, externalId: apiUser, credentials });
  const lease = await begin(db, bank);
  await save(db, page(lease, [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")]));
  await save(db, page(lease, [incoming("t1", "2026-03-05", { amount: "7.10", narration: `rent of ${name}` })]));
  await finish(db, lease, { balance: "90071992547409.93", balanceAsOf: noon });
  await fail(db, await begin(db, wallet, "worker-1", "mtn_momo"), "auth_required");
  await trackReference(db, { accountId: wallet.accountId, referenceId: randomUUID() });
  await receiveWebhooks(
    db,
    ["a", "b"].map((letter) => ({
      platform: "mono",
      dedupeKey: `${letter} ${name}`,
      bodyHmac: hmac(letter),
      event: "mono.events.account_connected",
      providerAccountId: letter === "a" ? monoId : `of nobody ${letter}`.replaceAll(" ", "-"),
    })),
  );
  await db.query("select app_private.process_webhooks()");
  await db.query("select app_private.keep_reauth_link($1, 'k1', 'sealed')", [bank.accountId]);
  await db.query(
    `insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at)
     select $1::uuid, account_id, 'mono', 'sync_failing', app_private.clock() from (values ($2::uuid), (null)) v (account_id)`,
    [userId, bank.accountId],
  );
  await db.query(
    `insert into app_private.breakers (platform_source, institution_code, failed_accounts)
     values ('mono', '058', array[$1::uuid])
     on conflict on constraint breakers_pkey do update set failed_accounts = breakers.failed_accounts || excluded.failed_accounts`,
    [bank.accountId],
  );
  await db.query("insert into app_private.coverage_gaps values ($1, 'mono', '2026-03-01', '2026-03-02', 2)", [
    bank.accountId,
  ]);
  await db.query("insert into app_private.pauses (user_id, until, reason) values ($1, now(), 'asked us to')", [userId]);
  await db.query("insert into app_private.admin_actions (action, user_id, reason) values ('pause_user', $1, 'test')", [
    userId,
  ]);
  await asUser(db, userId);
  await db.query("select app_public.choose_sync_settings('mono', '1 day')");
  await db.query("select app_public.choose_notification_settings('fr')");
  await db.query("select app_public.choose_notification_channel('mono', 'onesignal', true)");
  await savePushSubscription(db, `https://fcm.googleapis.com/fcm/send/browser-of-${name}`);
  await db.query("update app_public.transactions set category = 'food', note = $1", [`note of ${name}`]);
  await db.query("select app_public.request_sync($1, $2)", [bank.accountId, `key of ${name}`]);
  await asOwner(db);
  return { userId, bank, wallet, monoId, apiUser };
}

async function unlinkEverywhere(db: Client): Promise<void> {
  for (;;) {
    const [unlinking] = await beginUnlinkings(db, ["mono", "mtn_momo"], null);
    if (unlinking === undefined) return;
    await confirmUnlinkings(db, [{ id: unlinking.id, externalIdHmac: hmac(unlinking.externalId) }]);
  }
}

const erase = async (db: Client, userId: string): Promise<string> =>
  z.guid().parse(await valueOf(db, "select app_private.erase_user($1)", [userId]));

const reportSchema = z.record(z.string(), z.object({ erased: z.number(), left: z.number() }));
const reportOf = async (db: Client, receipt: string) =>
  z
    .object({ completed_at: z.string().nullable(), report: reportSchema.nullable() })
    .parse(await rowOf(db, "select * from app_private.erasure_report($1)", [receipt]));

/** All of our rows, the queue included, as text: what an attacker with a dump would read. */
async function dumpOf(db: Client): Promise<string> {
  const tables = await listOf(
    db,
    `select oid::regclass from pg_class
     where relkind in ('r', 'p') and relnamespace in ('app_public'::regnamespace, 'app_private'::regnamespace)
     union all select 'graphile_worker._private_jobs'`,
  );
  const rows: string[] = [];
  for (const table of tables) rows.push(...(await listOf(db, `select t::text from ${table} t`)));
  return rows.join("\n");
}

test(
  "erased: when every provider has confirmed, zero rows are left by table, and of nobody else is any missing",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [a, b] = [await personWithEverything(db, alice), await personWithEverything(db, bob)];
    const tables = await listOf(db, "select name from app_private.personal_tables()");
    const predicates = await rowsOf(db, "select name, predicate from app_private.personal_tables()");
    const countOf = async ({ userId, bank, wallet, monoId, apiUser }: Person) => {
      const counts: Record<string, unknown> = {};
      for (const { name, predicate } of predicates) {
        counts[String(name)] = await valueOf(
          db,
          // Each parameter is named, so that Postgres knows its type also where the predicate has none of it.
          `select count(*) from ${String(name)}
           where ($1::uuid, $2::uuid[], $3::text[], $4::uuid[]) is not null and (${String(predicate)})`,
          [userId, [bank.accountId, wallet.accountId], [monoId, apiUser], []],
        );
      }
      return counts;
    };
    const before = { a: await countOf(a), b: await countOf(b) };
    t.deepEqual(
      Object.entries(before.a).filter(([, count]) => count === "0"),
      [["app_private.unlinkings", "0"]],
      "there is something to erase in every table",
    );

    await asService(db);
    const receipt = await erase(db, alice);
    t.is(await erase(db, alice), receipt, "asked twice, one receipt");
    t.like(await reportOf(db, receipt), { completed_at: null, report: null });
    await asWorker(db);
    t.deepEqual(await completeErasures(db), [], "not before the providers have confirmed");
    await asOwner(db);
    t.is((await countOf(a))["app_public.transactions"], "2");
    await unlinkEverywhere(db);
    await asWorker(db);
    t.deepEqual(await completeErasures(db), [receipt]);
    t.deepEqual(await completeErasures(db), []);
    await asService(db);
    const { completed_at: completedAt, report } = await reportOf(db, receipt);
    t.is(completedAt, "2026-03-10 12:00:00+00");
    await asOwner(db);

    t.deepEqual(
      Object.keys(report ?? {}).toSorted(),
      [...tables, "app_private.breakers.failed_accounts", "app_private.reschedulings.left_over", "jobs"].toSorted(),
    );
    for (const [table, { erased, left }] of Object.entries(report ?? {})) {
      t.is(left, 0, table);
      if (table in before.a && table !== "app_private.unlinkings" && table !== "app_private.credentials") {
        t.true(erased > 0, table);
      }
    }
    t.true(Object.values(await countOf(a)).every((count) => count === "0"));
    t.deepEqual(await countOf(b), before.b);
    const dump = await dumpOf(db);
    for (const trace of [alice, a.bank.accountId, a.wallet.accountId, a.monoId, a.apiUser, "rent of a11c"]) {
      t.false(dump.includes(trace), trace);
    }
    for (const trace of [bob, b.bank.accountId, b.wallet.accountId, b.monoId, b.apiUser, "rent of b0b0"]) {
      t.true(dump.includes(trace), trace);
    }
  }),
);

test(
  "a table that nobody thought of is erased as well: by user_id, by account_id, by a foreign key of another name",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const other = await linkMono(db, { userId: bob });
    await db.query(
      `create table app_private.badges (user_id uuid, label text);
       create table app_public.statements_sent (id int primary key, account_id uuid);
       create table app_private.favourites (favourite uuid references app_public.accounts, sent int references app_public.statements_sent);
       create table app_private.watched (watchers uuid[])`,
    );
    for (const [n, { accountId, userId }] of [account, other].entries()) {
      await db.query("insert into app_private.badges values ($1, 'x')", [userId]);
      await db.query("insert into app_public.statements_sent values ($1, $2)", [n, accountId]);
      await db.query("insert into app_private.favourites values ($1, $2)", [accountId, n]);
      await db.query("insert into app_private.watched values (array[$1::uuid])", [userId]);
    }
    const receipt = await erase(db, alice);
    await unlinkEverywhere(db);
    t.deepEqual(await completeErasures(db), [receipt]);
    const { report } = await reportOf(db, receipt);
    for (const table of ["badges", "favourites", "watched.watchers"]) {
      t.deepEqual(report?.[`app_private.${table}`], { erased: 1, left: 0 }, table);
    }
    t.deepEqual(report?.["app_public.statements_sent"], { erased: 1, left: 0 });
    t.deepEqual(await listOf(db, "select user_id from app_private.badges"), [bob]);
    t.deepEqual(await listOf(db, "select favourite from app_private.favourites"), [other.accountId]);
    t.deepEqual(await listOf(db, "select watchers::text from app_private.watched order by 1"), [`{${bob}}`, "{}"]);
  }),
);

/** Tables that hold nothing of a person, each with the reason. Whoever adds one here says why. */
const impersonal: Record<string, string> = {
  "app_private.account_counts": "counts an institution",
  "app_private.breakers": "accounts in a list, which is emptied of them",
  "app_private.clock_settings": "one row, the clock",
  "app_private.erasures": "a receipt and counts; who it was is forgotten with the rest",
  "app_private.identity_keys": "one key",
  "app_private.incidents": "outages of institutions",
  "app_private.key_checks": "a line an encryption key",
  "app_private.migrations": "files",
  "app_private.platforms": "configuration",
  "app_private.push_services": "hosts of push services",
  "app_private.quotas": "counts a platform",
  "app_private.refresh_usage": "counts a day",
  "app_private.reschedulings":
    "accounts in a list, which is emptied of them; and the one that it has come to, until it is done",
  "app_private.retention": "configuration",
  "app_private.run_durations": "counts a platform",
  "app_private.run_rollups": "counts an institution",
  "app_private.sources": "configuration",
  "app_private.statistics": "one row, how far the counting has come",
  "app_private.tombstones": "keyed hashes of ids that are void; kept so that nothing comes back",
  "app_private.unfolded_runs": "ids of runs, for minutes",
  "app_private.upcoming_counts": "counts a platform",
  "app_private.wallet_tokens": "dropped with the last link of their wallet",
  "app_private.workers": "processes",
};

test(
  "every table is either erased or has a reason not to be",
  withDb(async (t, db) => {
    const unnamed = () =>
      listOf(
        db,
        `select c.oid::regclass::text as name from pg_class c
         where c.relkind in ('r', 'p') and c.relnamespace in ('app_public'::regnamespace, 'app_private'::regnamespace, 'app_admin'::regnamespace)
           and c.oid::regclass::text not in (select p.name from app_private.personal_tables() p)
         order by c.oid::regclass::text collate "C"`,
      );
    t.deepEqual(await unnamed(), Object.keys(impersonal).toSorted());
    await db.query("create table app_private.phone_book (phone text)");
    t.true((await unnamed()).includes("app_private.phone_book"));
  }),
);

test(
  "nobody is linked while being forgotten; afterwards the same person begins anew",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await linkMono(db);
    await erase(db, alice);
    t.is((await refusalOf(db, () => linkMono(db))).code, "LNKGN");
    await linkMono(db, { userId: bob });
    await unlinkEverywhere(db);
    t.is((await completeErasures(db)).length, 1);
    await linkMono(db);
    t.is(await valueOf(db, "select count(*) from app_public.accounts where user_id = $1", [alice]), "1");
  }),
);

test(
  "while a job names the person it has to wait; queued ones are dropped",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const { accountId } = await linkMono(db);
    await erase(db, alice);
    await unlinkEverywhere(db);
    await db.query("select graphile_worker.add_job('mono_sync', $1)", [JSON.stringify({ accountId })]);
    await db.query(
      "update graphile_worker._private_jobs set locked_at = now(), locked_by = 'w' where payload::text like '%accountId%'",
    );
    t.deepEqual(await completeErasures(db), []);
    await db.query("update graphile_worker._private_jobs set locked_at = null, locked_by = null");
    const [receipt = ""] = await completeErasures(db);
    t.like((await reportOf(db, receipt)).report, { jobs: { erased: 1, left: 0 } });
    t.false(JSON.stringify(await jobs(db)).includes(accountId));
  }),
);

test(
  "one asks to be forgotten for oneself only, and nobody for nobody",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await linkMono(db);
    const theirs = await linkMono(db, { userId: bob });
    await asVisitorNobody(db);
    t.is((await refusalOf(db, () => db.query("select app_public.erase_my_data()"))).code, "NTFND");
    await asUser(db, alice);
    t.is((await refusalOf(db, () => db.query("select app_private.erase_user($1)", [bob]))).code, "42501");
    const receipt = z.guid().parse(await valueOf(db, "select app_public.erase_my_data()"));
    await asOwner(db);
    await unlinkEverywhere(db);
    t.deepEqual(await completeErasures(db), [receipt]);
    t.deepEqual(await listOf(db, "select id from app_public.accounts where unlinked_at is null"), [theirs.accountId]);
    await asService(db);
    t.is((await refusalOf(db, () => reportOf(db, randomUUID()))).code, "NTFND");
  }),
);

const exported = z.looseObject({ exported_at: z.string(), user_id: z.string() });

test(
  "an export holds everything of its person, exact, and nothing of anybody else, no machinery, no secret",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [a, b] = [await personWithEverything(db, alice), await personWithEverything(db, bob)];
    await asService(db);
    const { exported_at: at, ...document } = exported.parse(
      await valueOf(db, "select app_private.export_user($1)", [alice]),
    );
    await asOwner(db);
    t.is(Date.parse(at), Date.parse(noon));
    t.deepEqual(Object.keys(document).toSorted(), [
      "accounts",
      "notification_channels",
      "notification_settings",
      "notifications",
      "push_subscriptions",
      "sync_logs",
      "sync_settings",
      "transaction_revisions",
      "transactions",
      "user_id",
    ]);
    for (const [table, rows] of Object.entries(document)) {
      if (table === "user_id") continue;
      t.is(
        z.array(z.unknown()).parse(rows).length,
        Number(await valueOf(db, `select count(*) from app_public.${table} where user_id = $1`, [alice])),
        table,
      );
    }
    const text = JSON.stringify(document);
    for (const mine of [a.bank.accountId, a.wallet.accountId, a.monoId, "rent of a11c", "note of a11c", "food"]) {
      t.true(text.includes(mine), mine);
    }
    t.true(text.includes('"balance":"90071992547409.93"'), "no float has touched it");
    for (const theirs of [bob, b.bank.accountId, b.monoId, "b0b0", "sealed", "epoch", "run_id", "some_key"]) {
      t.false(text.includes(theirs), theirs);
    }

    await asUser(db, bob);
    const own = exported.parse(await valueOf(db, "select app_public.export_my_data()"));
    t.is(own.user_id, bob);
    t.false(JSON.stringify(own).includes(alice));
    t.is((await refusalOf(db, () => db.query("select app_private.export_user($1)", [alice]))).code, "42501");
    await asVisitorNobody(db);
    t.is((await refusalOf(db, () => db.query("select app_public.export_my_data()"))).code, "NTFND");
  }),
);

test(
  "a table that is added is exported as well, without what its owner may not read",
  withDb(async (t, db) => {
    await db.query(
      `create table app_public.devices (id int primary key, user_id uuid, label text, push_secret text);
       grant select (id, user_id, label) on app_public.devices to app_visitor`,
    );
    await db.query("insert into app_public.devices values (1, $1, 'phone', 'hush'), (2, $2, 'tablet', 'hush')", [
      alice,
      bob,
    ]);
    const document = exported.parse(await valueOf(db, "select app_private.export_user($1)", [alice]));
    t.deepEqual(document.devices, [{ id: 1, user_id: alice, label: "phone" }]);
  }),
);
