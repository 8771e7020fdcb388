import { z } from "zod";
import { platformSource } from "../../db/queries/runs.ts";

/**
 * The payloads of our tasks. Anybody may add a job, from SQL, a trigger or an older version of ours, so payloads are
 * parsed like everything else that comes from outside; they only ever gain optional keys.
 */
export const payloads = {
  /** mono_sync and momo_sync. */
  sync: z.object({
    accountId: z.guid(),
    /** Set by the dispatcher: the job is dropped when the account's schedule has moved on since. */
    dueAt: z.iso.datetime({ offset: true }).optional(),
    /** Set for a run that waited for its provider. */
    runId: z
      .string()
      .regex(/^\d{1,18}$/)
      .optional(),
    /** Which tick of the dispatcher this job is from, for the log. */
    dispatchId: z
      .string()
      .regex(/^\d{1,18}$/)
      .optional(),
    trigger: z.enum(["schedule", "user", "webhook", "backend", "manual"]).optional(),
  }),
  /** unlink_account: that account, or all that are due. */
  unlinkAccount: z.object({ accountId: z.guid().optional() }),
  /** send_onesignal and send_web_push. */
  send: z.object({ deliveryId: z.guid() }),
  mirrorTags: z.object({ userId: z.guid() }),
  enqueueDueSyncs: z.object({ platform: platformSource }),
};

export type SyncPayload = z.infer<typeof payloads.sync>;
