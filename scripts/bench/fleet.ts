import type { Pool } from "pg";
import { z } from "zod";
import { pgPool } from "../../db/pool.ts";
import type { BenchDatabase } from "./bench_database.ts";
import { fillDatabase } from "./fill_database.ts";

/** Fills the database with a healthy fleet, whose bank accounts are all due and have no job. */
export async function fillFleet({ url, admin }: BenchDatabase, accounts: number): Promise<void> {
  const owner = pgPool({ databaseUrl: url, role: "app_owner", max: 1, name: "tidemark bench" });
  try {
    await fillDatabase(owner, { accounts, logs: 1_000 });
  } finally {
    await owner.end();
  }
  await admin.query("delete from graphile_worker._private_jobs");
  await admin.query("delete from app_private.breakers");
  await admin.query("delete from app_private.workers");
  await admin.query("delete from app_public.sync_logs where status = 'in_progress'");
  await admin.query("update app_public.accounts set paused_at = null");
  await admin.query(
    `update app_private.sync_states
     set run_id = null, held_by = null, enqueued_until = null, next_sync_at = app_private.clock() - interval '1 hour' * random()`,
  );
}

const people = z.array(z.object({ user_id: z.string(), id: z.string() }));

/** Bank accounts, each with its user; the first so many by id. */
export async function someAccounts(admin: Pool, many: number): Promise<{ userId: string; accountId: string }[]> {
  const { rows } = await admin.query(
    "select user_id, id from app_public.accounts where platform_source = 'mono' order by id limit $1",
    [many],
  );
  return people.parse(rows).map(({ user_id, id }) => ({ userId: user_id, accountId: id }));
}
