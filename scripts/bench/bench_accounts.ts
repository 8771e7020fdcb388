import { setTimeout as pause } from "node:timers/promises";
import type { Pool } from "pg";
import { z } from "zod";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import type { BenchDatabase } from "./bench_database.ts";

/** Links Mono accounts, each of a user of its own, and leaves them due with no job. `series` tells them from others. */
export async function linkAccounts(
  { admin }: BenchDatabase,
  many: number,
  historyDays: number,
  series = "first",
): Promise<void> {
  const session = await admin.connect();
  try {
    // In one transaction: workers that run already would take the first jobs before they are deleted.
    await session.query("begin");
    for (let first = 0; first < many; first += 1_000) {
      await session.query(
        `select app_private.link_account(json_build_object(
           'accountId', gen_random_uuid(), 'userId', gen_random_uuid(), 'platform', 'mono', 'accountName', 'Account ' || n,
           'currency', 'NGN', 'externalId', md5($4::text || n), 'historyDays', $3::int))
         from generate_series($1::int + 1, least($1 + 1000, $2::int)) n`,
        [first, many, historyDays, series],
      );
    }
    // Linking adds a job each, and new users' tags are told to OneSignal. Here the dispatcher adds jobs, and linking is not what is measured.
    await session.query("update app_private.tag_mirrors set next_attempt_at = null");
    await session.query("delete from graphile_worker._private_jobs");
    await session.query("update app_private.sync_states set enqueued_until = null where enqueued_until < 'infinity'");
    await session.query("commit");
  } finally {
    session.release(true);
  }
  // Or every question for jobs would read the dead ones.
  await admin.query("vacuum graphile_worker._private_jobs");
}

/**
 * Links accounts that are not due during the bench. Among a handful of accounts Postgres plans to read whole tables, the foreign
 * key's check of each row included (a third of an ingest's processor time, measured), and no installation has a handful for long.
 */
export async function linkBystanders(database: BenchDatabase, many = 2_000): Promise<void> {
  await linkAccounts(database, many, 3, "bystander");
  await database.admin.query(
    "update app_private.sync_states set next_sync_at = app_private.clock() + interval '1 year'",
  );
  await database.admin.query("vacuum (analyze)");
}

/** Hands every account that is due to the workers, as the dispatcher's task does, and waits until all jobs are done. */
export async function syncAllDue(database: BenchDatabase): Promise<{ syncs: number; seconds: number }> {
  const started = performance.now();
  const syncs = await dispatchAll(database.worker);
  await untilQueueIsEmpty(database.admin);
  return { syncs, seconds: (performance.now() - started) / 1_000 };
}

export async function dispatchAll(worker: Pool): Promise<number> {
  for (let total = 0; ;) {
    const enqueued = await enqueueDueSyncs(worker, "mono", 1_000);
    if (enqueued === 0) return total;
    total += enqueued;
  }
}

const waiting = z.tuple([z.object({ waits: z.boolean() })]);

/** Until no job of a sync is left. */
export async function untilQueueIsEmpty(admin: Pool): Promise<void> {
  for (;;) {
    const { rows } = await admin.query(
      `select exists (select from graphile_worker._private_jobs j
         where j.task_id = (select t.id from graphile_worker._private_tasks t where t.identifier = 'mono_sync')) as waits`,
    );
    if (!waiting.parse(rows)[0].waits) return;
    await pause(25);
  }
}

const dayRow = z.tuple([z.object({ day: z.string() })]);

/** Makes business time one day later and every account due; answers the day, in Mono's calendar. */
export async function nextDay({ admin }: BenchDatabase): Promise<string> {
  await admin.query("select app_private.set_clock(app_private.clock() + interval '1 day')");
  await makeAllDue({ admin });
  return today(admin);
}

/** In the order of their slots, as on a real morning. */
export async function makeAllDue({ admin }: Pick<BenchDatabase, "admin">): Promise<void> {
  await admin.query(
    "update app_private.sync_states set next_sync_at = app_private.clock() - interval '1 hour' * random(), enqueued_until = null",
  );
}

export async function today(admin: Pool): Promise<string> {
  const { rows } = await admin.query("select (app_private.clock() at time zone 'Africa/Lagos')::date::text as day");
  return dayRow.parse(rows)[0].day;
}
