import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import type { PlatformSource } from "./runs.ts";
import { rows } from "./rows.ts";

const batch = z.object({
  /** `more`: call again; `locked`: somebody holds the rows of all that are left; `done`: that was the last batch. */
  outcome: z.enum(["more", "locked", "done"]),
  accounts: z.number(),
  gone_through: z.number(),
  rescheduled: z.number(),
  left_over: z.number(),
});

/** Schedules the next batch of a platform's accounts anew; null where nothing is left to do, or another worker is at it. */
export const rescheduleAccounts = async (
  db: Queryable,
  platform: PlatformSource,
  limit: number,
): Promise<z.infer<typeof batch> | null> => {
  const [answered] = await rows(db, batch, "select * from app_private.reschedule_accounts($1, $2)", [platform, limit]);
  return answered ?? null;
};
