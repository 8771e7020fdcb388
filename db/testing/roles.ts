/**
 * One word to become somebody. The role holds for the session until the next such word, or until the transaction in which
 * it was said rolls back (each withDb test does).
 */

import type { Role } from "../pool.ts";
import type { Queryable } from "../queryable.ts";

/** A signed-in user: sees what RLS gives them. */
export function asUser(db: Queryable, userId: string): Promise<void> {
  return become(db, "app_visitor", userId);
}

/** A request without a token: the visitor's role and nobody's id. */
export function asVisitorNobody(db: Queryable): Promise<void> {
  return become(db, "app_visitor");
}

/** The background worker: runs the verbs, has no table grants. */
export function asWorker(db: Queryable): Promise<void> {
  return become(db, "app_worker");
}

/** A service account on the internal endpoints. */
export function asService(db: Queryable): Promise<void> {
  return become(db, "app_service");
}

/** An operator: views and admin functions. */
export function asAdmin(db: Queryable): Promise<void> {
  return become(db, "app_admin");
}

/** The owner of everything, past RLS: for arranging a test and looking at what it did. */
export function asOwner(db: Queryable): Promise<void> {
  return become(db, "app_owner");
}

async function become(db: Queryable, role: Role, userId = ""): Promise<void> {
  await db.query("select set_config('role', $1, false), set_config('tidemark.user_id', $2, false)", [role, userId]);
}
