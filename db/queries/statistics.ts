import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";

const updated = z.object({
  runs_folded: z.number(),
  /** More runs wait to be added up than one call takes. */
  more: z.boolean(),
  /** Null where they were counted a moment ago. */
  accounts_counted: z.number().nullable(),
  gaps_found: z.number().nullable(),
});

/** Brings the numbers behind the operator's views up to date. */
export const updateStatistics = (db: Queryable): Promise<z.infer<typeof updated>> =>
  row(db, updated, "select * from app_private.update_statistics()", []);
