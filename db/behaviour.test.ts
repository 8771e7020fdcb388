import test from "ava";
import { applyBehaviour } from "./behaviour.ts";
import { withClonedDb } from "./testing/database.ts";

test(
  "what has no file any more goes, and an old form of a verb does not make calls ambiguous",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await db.query(
      "create function app_private.beat(p_worker text, p_runner text) returns int language sql as 'select 1'",
    );
    await db.query("create function app_private.of_an_earlier_release() returns int language sql as 'select 1'");
    await db.query("create view app_admin.of_an_earlier_release as select 1 as one");
    await t.throwsAsync(db.query("select * from app_private.beat('w', 'r')"), { message: /not unique/ });
    await db.query("rollback");
    await applyBehaviour(db);
    await t.notThrowsAsync(db.query("select * from app_private.beat('w', 'r')"));
    const { rows } = await db.query(
      "select to_regproc('app_private.of_an_earlier_release') as f, to_regclass('app_admin.of_an_earlier_release') as v",
    );
    t.deepEqual(rows, [{ f: null, v: null }]);
  }),
);

test(
  "a verb may answer other columns than before, and keeps its grants",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await db.query("drop function app_private.clean_up()");
    await db.query("create function app_private.clean_up() returns int language sql as 'select 1'");
    await applyBehaviour(db);
    const worker = await cloned.connect("app_worker");
    const { rows } = await worker.query("select * from app_private.clean_up()");
    t.deepEqual(rows, [{ idempotency_keys: 0, wallet_tokens: 0, jobs: 0 }]);
  }),
);

test(
  "a file that Postgres refuses changes nothing, and says which file it was",
  withClonedDb(async (t, cloned) => {
    const db = await cloned.connect("app_owner");
    await db.query("drop function app_private.clean_up()");
    await db.query("create function app_private.clean_up() returns int language sql as 'select 1'");
    await db.query("create view app_public.depends as select app_private.clean_up() as n");
    const error = await t.throwsAsync(applyBehaviour(db));
    t.regex(error?.message ?? "", /depend/);
    const { rows } = await db.query("select app_private.clean_up() as n");
    t.deepEqual(rows, [{ n: 1 }]);
  }),
);
