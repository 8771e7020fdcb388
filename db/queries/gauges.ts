import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";

const gauge = z.object({ gauge: z.string(), labels: z.record(z.string(), z.string()), value: z.number() });
/** One value of one gauge, without the prefix that all of ours have. */
export type GaugeRow = z.infer<typeof gauge>;

/** What /metrics tells of the whole installation, read at this moment. */
export const readGauges = (db: Queryable): Promise<GaugeRow[]> =>
  rows(db, gauge, "select gauge, labels, value from app_private.read_gauges()", []);
