import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";
import type { PlatformSource } from "./runs.ts";

const share = z.object({ granted: z.number(), spend_within_ms: z.number(), wait_ms: z.number() });
/** Permits to be spent within the time from the moment of asking, or how long to wait before asking again. */
export type QuotaShare = z.infer<typeof share>;

/** Tells the quota that the provider answered 429 and asked us to come back after so many seconds. */
export const teachQuota = async (db: Queryable, platform: PlatformSource, seconds: number): Promise<void> => {
  await db.query("select app_private.teach_quota($1, make_interval(secs => $2))", [platform, seconds]);
};

/** Draws a share of a platform's quota; `first` may use the reserve for people who wait. */
export const drawQuota = (
  db: Queryable,
  platform: PlatformSource,
  wanted: number,
  first: boolean,
): Promise<QuotaShare> => row(db, share, "select * from app_private.draw_quota($1, $2, $3)", [platform, wanted, first]);
