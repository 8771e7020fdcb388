import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";

const buried = z.object({ workers_buried: z.number(), runs_reclaimed: z.number(), jobs_freed: z.number() });

/**
 * A worker's heartbeat; `active` are the accounts it has jobs for, `jobs` the ids of the jobs it knows it has (null: not
 * told). Answers what was taken back, from the dead and of its own that was lost on the way.
 */
export const beat = (
  db: Queryable,
  worker: string,
  runner: string,
  active: string[],
  jobs: string[] | null = null,
): Promise<z.infer<typeof buried>> =>
  row(db, buried, "select * from app_private.beat($1, $2, $3, $4)", [worker, runner, active, jobs]);

/** A worker says goodbye; answers how many runs it handed back. */
export const stopWorker = async (db: Queryable, worker: string): Promise<number> =>
  (await row(db, z.object({ reclaimed: z.number() }), "select app_private.stop_worker($1) as reclaimed", [worker]))
    .reclaimed;

const cleaned = z.object({
  idempotency_keys: z.number(),
  wallet_tokens: z.number(),
  jobs: z.number(),
});

/** Throws away what has served its time; answers how much. */
export const cleanUp = (db: Queryable): Promise<z.infer<typeof cleaned>> =>
  row(db, cleaned, "select * from app_private.clean_up()", []);
