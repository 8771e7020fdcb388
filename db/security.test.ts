import { glob, readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Client } from "pg";
import { listOf, rowsOf, valueOf } from "./testing/ask.ts";
import { withDb } from "./testing/database.ts";
import { refusalOf } from "./testing/refusal.ts";
import { asAdmin, asOwner, asService, asUser, asVisitorNobody, asWorker } from "./testing/roles.ts";
import {
  alice,
  begin,
  bob,
  complete,
  fail,
  finish,
  incoming,
  jobs,
  linkMono,
  noon,
  page,
  save,
  savePushSubscription,
  setClock,
} from "./testing/world.ts";

const ours = "('app_public'::regnamespace, 'app_private'::regnamespace, 'app_admin'::regnamespace)";

test(
  "row level security stands on every table of ours",
  withDb(async (t, db) => {
    const unguarded = () =>
      listOf(
        db,
        `select oid::regclass from pg_class where relkind in ('r', 'p') and relnamespace in ${ours} and not relrowsecurity`,
      );
    t.deepEqual(await unguarded(), []);
    await db.query("create table app_private.forgotten ()");
    t.deepEqual(await unguarded(), ["app_private.forgotten"]);
  }),
);

test(
  "every foreign key has an index that begins with its columns",
  withDb(async (t, db) => {
    const problems = () =>
      listOf(
        db,
        `select k.conname
         from pg_constraint k
         join pg_class c on c.oid = k.conrelid
         where k.contype = 'f' and c.relnamespace in ${ours}
           and not exists (
             select from pg_index i
             where i.indrelid = k.conrelid
               -- Rows that refer to nothing need no entry.
               and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', (
                 select a.attname from pg_attribute a where a.attrelid = k.conrelid and a.attnum = k.conkey[1])))
               and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] @> k.conkey
               and (i.indkey::smallint[])[0:cardinality(k.conkey) - 1] <@ k.conkey
           )`,
      );
    t.deepEqual(await problems(), []);
    await db.query(
      "create table app_private.forgetful (account_id uuid constraint no_index references app_public.accounts)",
    );
    t.deepEqual(await problems(), ["no_index"]);
  }),
);

test(
  "every function pins its search_path, pg_temp last, and is nobody's until it is granted",
  withDb(async (t, db) => {
    const loose = () =>
      listOf(
        db,
        `select oid::regprocedure from pg_proc
         where pronamespace in ${ours}
           and (proconfig is null or not 'search_path=pg_catalog, pg_temp' = any (proconfig)
             or exists (select from aclexplode(coalesce(proacl, acldefault('f', proowner))) where grantee = 0))
         order by 1`,
      );
    t.deepEqual(await loose(), []);
    await db.query("create function app_private.unpinned() returns int language sql as 'select 1'");
    await db.query(
      "create function app_private.open() returns int language sql set search_path = pg_catalog, pg_temp as 'select 1'",
    );
    await db.query("grant execute on function app_private.open() to public");
    t.deepEqual(await loose(), ["app_private.unpinned()", "app_private.open()"]);
  }),
);

test(
  "every security definer function is owned by app_owner, and its file says why it must be one",
  withDb(async (t, db) => {
    const reasons = new Map<string, string>();
    for await (const file of glob("functions/*.sql", { cwd: import.meta.dirname })) {
      const text = await readFile(join(import.meta.dirname, file), "utf8");
      for (const [, name = "", , reason = ""] of text.matchAll(
        /create or replace function ([\w.]+)\(((?!\nas \$\$)[\s\S])*?security definer(.*)\n/g,
      )) {
        reasons.set(name, reason);
      }
    }
    const definers = await rowsOf(
      db,
      `select distinct pronamespace::regnamespace || '.' || proname as name, proowner::regrole::text as owner
       from pg_proc where prosecdef and pronamespace in ${ours} order by 1`,
    );
    t.true(definers.length > 20);
    for (const { name, owner } of definers) {
      t.is(owner, "app_owner", String(name));
      t.regex(reasons.get(String(name)) ?? "no file", /^ -- .{10,}$/, `${String(name)}: why is it a security definer?`);
    }
  }),
);

test(
  "a worker reads no table, and yet runs its verbs",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const tables = await listOf(
      db,
      `select oid::regclass from pg_class where relkind in ('r', 'p', 'v') and relnamespace in ${ours}`,
    );
    t.true(tables.length > 20);
    await asWorker(db);
    for (const table of tables) {
      const refusal = await refusalOf(db, () => db.query(`select from ${table}`));
      t.is(refusal.code, "42501", table);
    }
    const lease = await begin(db, account);
    const rows = [incoming("t1", "2026-03-05")];
    t.like(await save(db, page(lease, rows, complete(rows))), { outcome: "ok", new_count: 1 });
    t.is(await finish(db, lease), "ok");
    t.is(await fail(db, lease, "transient"), "lost");
    t.is(await valueOf(db, "select app_private.enqueue_due_syncs('mono')"), 0);
  }),
);

/** Two users with a row in every table that visitors see, and one more account of Bob's. */
async function twoUsers(db: Client): Promise<void> {
  await setClock(db, noon);
  for (const userId of [alice, bob]) {
    const account = await linkMono(db, { userId });
    const lease = await begin(db, account);
    const rows = [incoming("t1", "2026-03-05")];
    await save(db, page(lease, rows));
    await save(db, page(lease, [incoming("t1", "2026-03-05", { amount: "7" })]));
    await finish(db, lease);
    await asUser(db, userId);
    await db.query("select app_public.choose_sync_settings('mono')");
    await db.query("select app_public.choose_notification_settings('fr')");
    await db.query("select app_public.choose_notification_channel('mono', 'web_push', true)");
    await savePushSubscription(db, `https://fcm.googleapis.com/fcm/send/${userId}`);
    await asOwner(db);
    await db.query(
      `insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at)
       values ($1, $2, 'mono', 'sync_failing', app_private.clock())`,
      [userId, account.accountId],
    );
  }
  await linkMono(db, { userId: bob });
}

test(
  "a visitor sees own rows only, of every table; nobody sees none",
  withDb(async (t, db) => {
    await twoUsers(db);
    const tables = await listOf(
      db,
      "select oid::regclass from pg_class where relkind in ('r', 'p') and relnamespace = 'app_public'::regnamespace",
    );
    t.true(tables.length >= 5);
    for (const table of tables) {
      const owners = () => listOf(db, `select distinct user_id from ${table} order by 1`);
      t.deepEqual(await owners(), [alice, bob], `${table} has rows of both`);
      await asUser(db, alice);
      t.deepEqual(await owners(), [alice], table);
      await asUser(db, bob);
      t.deepEqual(await owners(), [bob], table);
      await asVisitorNobody(db);
      t.deepEqual(await owners(), [], table);
      await asOwner(db);
    }
    await asUser(db, bob);
    t.is(await valueOf(db, "select count(*) from app_public.accounts"), "2");
  }),
);

test(
  "a visitor changes the category and the note of own transactions, and nothing else",
  withDb(async (t, db) => {
    await twoUsers(db);
    await asUser(db, alice);
    const { rowCount } = await db.query("update app_public.transactions set category = 'food', note = 'mine'");
    t.is(rowCount, 1, "without a where, one's own rows are all there is");
    await asOwner(db);
    t.deepEqual(await rowsOf(db, "select user_id, category, note from app_public.transactions order by 1"), [
      { user_id: alice, category: "food", note: "mine" },
      { user_id: bob, category: null, note: null },
    ]);

    const columns = await rowsOf(
      db,
      `select a.attrelid::regclass::text as table, a.attname as column
       from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relkind = 'r' and c.relnamespace = 'app_public'::regnamespace and a.attnum > 0 and not a.attisdropped
         and a.attname not in ('category', 'note')`,
    );
    await asUser(db, alice);
    for (const { table, column } of columns) {
      const what = `${String(table)}.${String(column)}`;
      const refusal = await refusalOf(db, () => db.query(`update ${String(table)} set ${String(column)} = default`));
      t.is(refusal.code, "42501", what);
    }
    for (const table of new Set(columns.map((row) => String(row.table)))) {
      t.is((await refusalOf(db, () => db.query(`delete from ${table}`))).code, "42501", table);
      t.is((await refusalOf(db, () => db.query(`insert into ${table} default values`))).code, "42501", table);
    }
  }),
);

test(
  "machinery is out of sight: a visitor may not even name it, and no role of ours adds jobs by hand but through verbs",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    for (const become of [() => asUser(db, alice), () => asVisitorNobody(db), () => asService(db), () => asAdmin(db)]) {
      await become();
      const refusal = await refusalOf(db, () => db.query("select graphile_worker.add_job('mono_sync', '{}')"));
      t.is(refusal.code, "42501");
    }
    await asUser(db, alice);
    t.is((await refusalOf(db, () => db.query("select app_private.clock()"))).code, "42501");
    // Positive control: the verb adds one.
    await asOwner(db);
    await db.query("delete from graphile_worker._private_jobs");
    await asUser(db, alice);
    await db.query("select app_public.request_sync($1, 'some key of mine')", [account.accountId]);
    await asOwner(db);
    t.is((await jobs(db)).length, 1);
  }),
);

test(
  "roles: the owner acts as the worker, the authenticator becomes visitor or service and is nobody by itself, none logs in",
  withDb(async (t, db) => {
    const has = (role: string, of: string, how: string) =>
      valueOf(db, "select pg_has_role($1, $2, $3)", [role, of, how]);
    t.is(await has("app_owner", "app_worker", "usage"), true);
    t.is(await has("app_worker", "app_owner", "member"), false);
    for (const role of ["app_visitor", "app_service"]) {
      t.is(await has("app_authenticator", role, "member"), true);
      t.is(await has("app_authenticator", role, "usage"), false, `${role}: only by set role`);
    }
    for (const role of ["app_owner", "app_worker", "app_admin"])
      t.is(await has("app_authenticator", role, "member"), false);
    t.deepEqual(
      await rowsOf(
        db,
        "select rolname from pg_roles where rolname ~ '^app_' and (rolcanlogin or rolsuper or rolbypassrls or rolcreaterole)",
      ),
      [],
    );
    t.deepEqual(await listOf(db, "select rolname from pg_roles where rolname ~ '^app_' order by 1"), [
      "app_admin",
      "app_authenticator",
      "app_owner",
      "app_service",
      "app_visitor",
      "app_worker",
    ]);
  }),
);

test(
  "everything of ours is owned by app_owner, and graphile_worker by app_worker",
  withDb(async (t, db) => {
    t.deepEqual(
      await rowsOf(
        db,
        `select nspname, nspowner::regrole::text as owner from pg_namespace where nspname ~ '^(app_|graphile_worker)' order by 1`,
      ),
      [
        { nspname: "app_admin", owner: "app_owner" },
        { nspname: "app_private", owner: "app_owner" },
        { nspname: "app_public", owner: "app_owner" },
        { nspname: "graphile_worker", owner: "app_worker" },
      ],
    );
    t.deepEqual(
      await listOf(
        db,
        `select oid::regclass from pg_class where relnamespace in ${ours} and relowner <> 'app_owner'::regrole`,
      ),
      [],
    );
    t.deepEqual(
      await listOf(
        db,
        `select oid::regprocedure from pg_proc where pronamespace in ${ours} and proowner <> 'app_owner'::regrole`,
      ),
      [],
    );
  }),
);
