import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { accessMatrix } from "./access.ts";
import { withDb } from "./testing/database.ts";

test(
  "db/ACCESS.md tells what every role may do with every table, view and function that is there",
  withDb(async (t, db) => {
    const committed = (await readFile(join(import.meta.dirname, "ACCESS.md"), "utf8")).split("\n");
    const found = (await accessMatrix(db)).split("\n");
    t.deepEqual(
      found.filter((line) => !committed.includes(line)),
      [],
      "not in db/ACCESS.md: run `npm run gen` and review its diff",
    );
    t.deepEqual(found, committed);
  }),
);

test(
  "the matrix shows every way to be let in",
  withDb(async (t, db) => {
    const before = await accessMatrix(db);
    t.is(await accessMatrix(db), before, "the same twice");
    for (const change of [
      "create table app_private.forgotten ()",
      "create view app_admin.forgotten as select 1 as one",
      "create materialized view app_admin.forgotten as select 1 as one",
      "create function app_private.forgotten() returns int language sql as 'select 1'",
      "alter table app_private.credentials disable row level security",
      "create policy all_own on app_private.credentials using (true)",
      "drop policy select_own on app_public.accounts",
      ...["app_visitor", "app_service", "app_worker", "app_admin", "app_authenticator", "public"].flatMap((role) => [
        ...["select", "insert", "update", "delete", "truncate", "references", "trigger"].map(
          (verb) => `grant ${verb} on app_private.credentials to ${role}`,
        ),
        `grant select (sealed) on app_private.credentials to ${role}`,
        `grant execute on function app_private.end_links(uuid[], text) to ${role}`,
        `grant create on schema app_private to ${role}`,
        `grant usage on schema app_admin, app_private, app_public to ${role}`,
      ]),
      "alter function app_private.end_links(uuid[], text) security definer",
    ]) {
      await db.query("savepoint before_change");
      await db.query(change);
      t.not(await accessMatrix(db), before, change);
      await db.query("rollback to savepoint before_change");
    }
  }),
);
