import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { dumpSchema } from "./dump.ts";
import { migrate } from "./migrate.ts";
import { valueOf } from "./testing/ask.ts";
import { withClonedDb, withDb } from "./testing/database.ts";

/** The first line that differs, with its number, or nothing: a diff of 2,000 lines helps nobody. */
function firstDifference(found: string, expected: string): string | null {
  if (found === expected) return null;
  const [a, b] = [found.split("\n"), expected.split("\n")];
  const n = a.findIndex((line, index) => line !== b[index]);
  const at = n === -1 ? a.length : n;
  return `line ${at + 1}: ${a[at] ?? "(end)"} instead of ${b[at] ?? "(end)"}`;
}

/** Before version 16, Postgres names the relation before each column of a view, though there be only one. */
const withoutRelations = (dump: string): string =>
  dump.replaceAll(/^create view [^;]*;/gm, (view) => view.replaceAll(/\b\w+\.(?=[a-z_]+\b(?!\())/g, ""));

test(
  "db/schema.sql is what the migrations and files make, on every version of Postgres",
  withDb(async (t, db) => {
    const committed = await readFile(join(import.meta.dirname, "schema.sql"), "utf8");
    const isOld = Number(await valueOf(db, "select current_setting('server_version_num')")) < 160_000;
    const comparable = isOld ? withoutRelations : (dump: string) => dump;
    t.is(
      firstDifference(comparable(await dumpSchema(db)), comparable(committed)),
      null,
      "run `npm run gen` and review the diff of db/schema.sql",
    );
  }),
);

test(
  "the dump tells every kind of thing",
  withDb(async (t, db) => {
    const before = await dumpSchema(db);
    t.is(await dumpSchema(db), before, "the same twice");
    for (const change of [
      "create type app_public.mood as enum ('calm')",
      "alter type app_public.sync_status rename value 'error' to 'broken'",
      "create type app_private.pair as (a int, b text)",
      "alter table app_public.accounts add column colour text",
      "alter table app_public.accounts alter column institution set not null",
      "alter table app_public.accounts alter column institution set default 'x'",
      "alter table app_public.accounts add constraint short check (length(institution) < 9)",
      "alter table app_public.accounts set (fillfactor = 70)",
      "alter table app_public.accounts disable row level security",
      "create index on app_public.accounts (institution)",
      "create trigger t before insert on app_public.accounts for each row execute function suppress_redundant_updates_trigger()",
      "drop policy select_own on app_public.accounts",
      "create policy all_own on app_public.accounts as restrictive using (true) with check (false)",
      "grant delete on app_public.accounts to app_visitor",
      "grant update (balance) on app_public.accounts to app_visitor",
      "grant select on app_public.accounts to public",
      "comment on table app_public.accounts is 'else'",
      "comment on column app_public.accounts.id is 'else'",
      "comment on type app_public.sync_status is 'else'",
      "comment on function app_private.clock() is 'else'",
      "create or replace function app_private.clock() returns timestamptz language sql as 'select now()'",
      "grant execute on function app_private.clock() to public",
      "create view app_admin.v as select 1 as one",
      "grant usage on schema app_private to app_visitor",
    ]) {
      await db.query("savepoint before_change");
      await db.query("set search_path = app_public");
      await db.query(change);
      t.not(await dumpSchema(db), before, change);
      await db.query("rollback to savepoint before_change");
    }
  }),
);

test(
  "migrating again changes nothing",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    const before = await dumpSchema(db);
    const lines: string[] = [];
    await migrate({ databaseUrl: cloned.url, log: (line) => lines.push(line) });
    t.is(firstDifference(await dumpSchema(db), before), null);
    t.is(lines[0], "tables: up to date");
    // Positive control: it does put right what somebody changed by hand.
    await db.query("create or replace function app_private.clock() returns timestamptz language sql as 'select now()'");
    t.not(firstDifference(await dumpSchema(db), before), null);
    await migrate({ databaseUrl: cloned.url });
    t.is(firstDifference(await dumpSchema(db), before), null);
  }),
);
