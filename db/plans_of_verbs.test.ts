import test from "ava";
import { listOf } from "./testing/ask.ts";
import { withDb } from "./testing/database.ts";

const verbs = [
  "begin_syncs",
  "finish_syncs",
  "record_sync_failures",
  "resume_syncs",
  "save_transactions",
  "suspend_syncs",
] as const;

/** Which functions carry all of these settings, for themselves and all that they call. */
const carriersOf = "select proname from pg_proc where $1::text[] <@ proconfig order by 1";

test(
  "the verbs of a run keep one plan and read no whole table; but for a save, whose ids may be many, they hash and merge none either",
  withDb(async (t, db) => {
    const onePlan = ["plan_cache_mode=force_generic_plan", "enable_seqscan=off"];
    const noJoins = ["enable_hashjoin=off", "enable_mergejoin=off"];
    t.deepEqual(await listOf(db, carriersOf, [onePlan]), [...verbs]);
    const butSaves = verbs.filter((verb) => verb !== "save_transactions");
    t.deepEqual(await listOf(db, carriersOf, [noJoins]), butSaves);
    await db.query("alter function app_private.finish_syncs reset plan_cache_mode");
    await db.query("alter function app_private.begin_syncs reset enable_hashjoin");
    t.deepEqual(
      await listOf(db, carriersOf, [onePlan]),
      verbs.filter((verb) => verb !== "finish_syncs"),
    );
    t.deepEqual(
      await listOf(db, carriersOf, [noJoins]),
      butSaves.filter((verb) => verb !== "begin_syncs"),
    );
  }),
);

test(
  "what may not read whole tables is never compiled: up to Postgres 17 a scan that cannot be avoided would be, for a second a call",
  withDb(async (t, db) => {
    const compiled =
      "select proname from pg_proc where 'enable_seqscan=off' = any (proconfig) and not 'jit=off' = any (proconfig)";
    t.deepEqual(await listOf(db, compiled), []);
    await db.query("alter function app_private.begin_syncs reset jit");
    t.deepEqual(await listOf(db, compiled), ["begin_syncs"]);
  }),
);
