/** Looking into the database from a test. */

import { z } from "zod";
import type { Queryable } from "../queryable.ts";

const found = z.array(z.record(z.string(), z.unknown()));
export type Found = z.infer<typeof found>[number];

/** All rows, each a record of whatever came. */
export async function rowsOf(db: Queryable, sql: string, values: unknown[] = []): Promise<Found[]> {
  return found.parse((await db.query(sql, values)).rows);
}

/** The one row; more or fewer is a mistake in the test. */
export async function rowOf(db: Queryable, sql: string, values: unknown[] = []): Promise<Found> {
  const rows = await rowsOf(db, sql, values);
  const [row] = rows;
  if (row === undefined || rows.length > 1) throw new Error(`${rows.length} rows instead of one: ${sql}`);
  return row;
}

/** The one value of the one row. */
export async function valueOf(db: Queryable, sql: string, values: unknown[] = []): Promise<unknown> {
  return Object.values(await rowOf(db, sql, values))[0];
}

/** The first column of all rows, as text. */
export async function listOf(db: Queryable, sql: string, values: unknown[] = []): Promise<string[]> {
  return (await rowsOf(db, sql, values)).map((row) => String(Object.values(row)[0]));
}

/** Many cases for one call: read them by json_to_recordset, and answer them in order of `n`. */
export function numbered(cases: object[]): string {
  return JSON.stringify(cases.map((question, n) => ({ ...question, n })));
}
