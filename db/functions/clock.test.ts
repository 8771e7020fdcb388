import test from "ava";
import { valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asWorker } from "../testing/roles.ts";
import { noon, setClock } from "../testing/world.ts";

test(
  "business time is machine time, until somebody moves it; then it goes on from there",
  withDb(async (t, db) => {
    t.is(await valueOf(db, "select app_private.clock() = now()"), true);
    await setClock(db, noon);
    t.is(await valueOf(db, "select app_private.clock()"), "2026-03-10 12:00:00+00");
    t.is(
      await valueOf(db, "select clock_offset = '2026-03-10 12:00:00+00' - now() from app_private.clock_settings"),
      true,
    );
    await db.query("select app_private.set_clock(null)");
    t.is(await valueOf(db, "select app_private.clock() = now()"), true);
  }),
);

test(
  "only the owner moves it; a worker reads it",
  withDb(async (t, db) => {
    await asWorker(db);
    t.is((await refusalOf(db, () => db.query("select app_private.set_clock(now())"))).code, "42501");
    t.is(await valueOf(db, "select app_private.clock() = now()"), true);
    await asOwner(db);
    await db.query("select app_private.set_clock(now() + interval '1 day')");
    await asWorker(db);
    t.is(await valueOf(db, "select (app_private.clock() - now())::text"), "1 day");
  }),
);
