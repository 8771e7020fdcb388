import type { z } from "zod";
import type { Queryable } from "../queryable.ts";

/** Runs a verb and parses each row it answers: nothing downstream rests on a hope about the schema. */
export async function rows<T>(db: Queryable, schema: z.ZodType<T>, text: string, values: unknown[]): Promise<T[]> {
  const result = await db.query(text, values);
  return result.rows.map((answered) => schema.parse(answered));
}

/** The same for a verb that always answers one row. */
export async function row<T>(db: Queryable, schema: z.ZodType<T>, text: string, values: unknown[]): Promise<T> {
  const [first] = await rows(db, schema, text, values);
  if (first === undefined) throw new Error(`A verb that answers one row answered none: ${text}`);
  return first;
}
