import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { rows } from "./rows.ts";
import { type PlatformSource, platformSource } from "./runs.ts";

const moment = z.coerce.date().transform((date) => date.toISOString());

const listedAccount = z.object({
  id: z.guid(),
  user_id: z.guid(),
  account_name: z.string(),
  account_type: z.enum(["bank", "mobile_money"]),
  balance: z.string().nullable(),
  currency: z.string(),
  balance_as_of: moment.nullable(),
  mono_account_id: z.string().nullable(),
  mtn_reference_id: z.string().nullable(),
  institution: z.string().nullable(),
  last_synced_at: moment.nullable(),
  sync_status: z.enum(["active", "auth_required", "error"]),
  last_sync_attempt: moment.nullable(),
  platform_source: platformSource,
  platform_label: z.string(),
  is_syncing: z.boolean(),
  next_sync_at: moment,
  data_as_of: moment.nullable(),
  coverage_through: z.string().nullable(),
  linked_at: moment,
});
export type ListedAccount = z.infer<typeof listedAccount>;

/** Linked accounts by id, after `after`: of one user or all, of one platform or both. */
export const listAccounts = (
  db: Queryable,
  filter: { userId?: string | undefined; platform?: PlatformSource | undefined; after?: string | undefined },
  limit: number,
): Promise<ListedAccount[]> =>
  rows(
    db,
    listedAccount,
    "select *, coverage_through::text as coverage_through from app_private.list_accounts($1, $2, $3, $4)",
    [filter.userId ?? null, filter.platform ?? null, filter.after ?? null, limit],
  );

/** The account of this user that is linked under this very provider id now, or null. */
export const standingLink = async (
  db: Queryable,
  link: { userId: string; platform: PlatformSource; externalId: string },
): Promise<string | null> => {
  const [found] = await rows(
    db,
    z.object({ id: z.string().nullable() }),
    "select app_private.standing_link($1, $2, $3) as id",
    [link.userId, link.platform, link.externalId],
  );
  return found?.id ?? null;
};
