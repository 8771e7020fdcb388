import { DatabaseError } from "pg";
import type { Queryable } from "../queryable.ts";

/** Postgres allowed what the test says it must refuse. */
export class NotRefusedError extends Error {
  override name = "NotRefusedError";
}

/**
 * Postgres's refusal of what `body` does; the transaction goes on as if it had not been tried, so a test can show the
 * positive control next. Throws {@link NotRefusedError} when nothing was refused, and passes on any other error.
 *
 *   t.is((await refusalOf(db, () => db.query("delete from app_public.accounts"))).code, "42501");
 */
export async function refusalOf(db: Queryable, body: () => Promise<unknown>): Promise<DatabaseError> {
  await db.query("savepoint before_refusal");
  try {
    await body();
  } catch (error) {
    if (error instanceof DatabaseError) return error;
    throw error;
  } finally {
    await db.query("rollback to savepoint before_refusal");
  }
  throw new NotRefusedError("Nothing was refused");
}
