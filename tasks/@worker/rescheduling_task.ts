import type { Task } from "graphile-worker";
import { rescheduleAccounts } from "../../db/queries/reschedulings.ts";
import { platformSource } from "../../db/queries/runs.ts";
import { currentRuntime } from "./current_runtime.ts";

/**
 * Schedules the accounts of a platform anew whose interval or sync window an operator changed, batch by batch.
 *
 * @param options.accounts in one batch, which is one transaction
 * @param options.batches in one job. The next job goes on, behind what waited meanwhile; so does one after a stop.
 */
export function reschedulingTask(options: { accounts: number; batches: number }): Task {
  return async (_, { abortSignal, addJob }) => {
    const { db, log } = await currentRuntime();
    let batches = 0;
    for (const platform of platformSource.options) {
      for (let more = true; more; batches += 1) {
        if (batches === options.batches || abortSignal?.aborted) {
          await addJob("reschedule_accounts", {}, { jobKey: "reschedule_accounts", maxAttempts: 3 });
          return;
        }
        const startedAt = performance.now();
        const batch = await rescheduleAccounts(db, platform, options.accounts);
        if (batch === null) break;
        more = batch.outcome === "more";
        const duration = Math.round(performance.now() - startedAt);
        log.info({ platform, ...batch, duration_ms: duration }, "accounts scheduled anew");
      }
    }
  };
}
