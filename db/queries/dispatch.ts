import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";
import { type PlatformSource, platformSource } from "./runs.ts";

/** Hands due accounts to the workers; answers how many, at most `limit`. Their runs log `dispatchId`, as whoever calls does. */
export const enqueueDueSyncs = async (
  db: Queryable,
  platform: PlatformSource,
  limit: number,
  dispatchId: string | null = null,
): Promise<number> =>
  (
    await row(db, z.object({ enqueued: z.number() }), "select app_private.enqueue_due_syncs($1, $2, $3) as enqueued", [
      platform,
      limit,
      dispatchId,
    ])
  ).enqueued;

/** Asks for a tick of each platform's dispatcher now, instead of at the next full minute. */
export const dispatchSoon = async (db: Queryable): Promise<void> => {
  for (const platform of platformSource.options) {
    await db.query("select graphile_worker.add_job('enqueue_due_syncs', $1::json, max_attempts => 3)", [
      JSON.stringify({ platform }),
    ]);
  }
};

const readinessRow = z.object({ platform_source: platformSource, seconds_ago: z.number().nullable() });
/** Seconds since each platform's dispatcher last ticked; null: never. */
export const readiness = (db: Queryable): Promise<z.infer<typeof readinessRow>[]> =>
  rows(db, readinessRow, "select platform_source, seconds_ago from app_private.readiness()", []);

/** The migrations that were applied, oldest first. */
export const appliedMigrations = async (db: Queryable): Promise<string[]> =>
  (await rows(db, z.object({ name: z.string() }), "select name from app_private.applied_migrations()", [])).map(
    ({ name }) => name,
  );
