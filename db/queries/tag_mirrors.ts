import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row, rows } from "./rows.ts";
import type { Attempt } from "./deliveries.ts";

const state = z.enum(["active", "auth_required", "error"]).nullable();
const mirror = z.object({ version: z.number(), mono: state, mtn_momo: state, now: z.coerce.date() });

/** What OneSignal is to know of a user: the worst state among their accounts of a platform; null: no tag. */
export type TagMirror = z.infer<typeof mirror>;

/** Null when OneSignal knows the latest, or somebody else is at it: db/functions/begin_tag_mirror.sql. */
export const beginTagMirror = async (db: Queryable, userId: string): Promise<TagMirror | null> =>
  (await rows(db, mirror, "select * from app_private.begin_tag_mirror($1)", [userId]))[0] ?? null;

/** How it went: db/functions/record_tag_mirror.sql. */
export const recordTagMirror = async (
  db: Queryable,
  attempt: { userId: string; version: number } & Pick<Attempt, "kind" | "code" | "reason" | "notBefore">,
): Promise<void> => {
  await db.query("select app_private.record_tag_mirror($1)", [JSON.stringify(attempt)]);
};

/** Hands users to the workers of whom OneSignal does not know the latest; answers how many, at most `limit`. */
export const enqueueDueTagMirrors = async (db: Queryable, limit: number): Promise<number> =>
  (await row(db, z.object({ count: z.number() }), "select app_private.enqueue_due_tag_mirrors($1) as count", [limit]))
    .count;
