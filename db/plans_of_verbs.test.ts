import test from "ava";
import { listOf } from "./testing/ask.ts";
import { withDb } from "./testing/database.ts";

test(
  "what may not read whole tables is never compiled: up to Postgres 17 a scan that cannot be avoided would be, for a second a call",
  withDb(async (t, db) => {
    const compiled = () =>
      listOf(
        db,
        `select oid::regprocedure from pg_proc
         where 'enable_seqscan=off' = any (proconfig) and not 'jit=off' = any (proconfig)
         order by 1`,
      );
    t.deepEqual(await compiled(), []);
    await db.query("alter function app_private.begin_syncs reset jit");
    t.deepEqual(await compiled(), ["app_private.begin_syncs(app_public.platform_source,text,json)"]);
  }),
);

test(
  "the verbs of a run keep one plan, for themselves and all that they call",
  withDb(async (t, db) => {
    const planned = () =>
      listOf(
        db,
        `select proname from pg_proc
         where pronamespace = 'app_private'::regnamespace
           and proname in ('begin_syncs', 'resume_syncs', 'save_transactions', 'suspend_syncs', 'finish_syncs', 'record_sync_failures')
           and 'plan_cache_mode=force_generic_plan' = any (proconfig) and 'enable_seqscan=off' = any (proconfig)
         order by 1`,
      );
    const verbs = [
      "begin_syncs",
      "finish_syncs",
      "record_sync_failures",
      "resume_syncs",
      "save_transactions",
      "suspend_syncs",
    ];
    t.deepEqual(await planned(), verbs);
    await db.query("alter function app_private.finish_syncs reset plan_cache_mode");
    t.deepEqual(
      await planned(),
      verbs.filter((verb) => verb !== "finish_syncs"),
    );
  }),
);
