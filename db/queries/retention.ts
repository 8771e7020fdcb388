import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";

const pruned = z.object({ subject: z.string(), pruned: z.number() });

/** Throws away one batch of each kind of thing that is too old; answers how many rows of each. */
export const prune = (db: Queryable, limit: number): Promise<z.infer<typeof pruned>[]> =>
  rows(db, pruned, "select * from app_private.prune($1)", [limit]);
