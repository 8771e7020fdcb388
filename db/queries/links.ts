import { z } from "zod";
import type { Queryable } from "../queryable.ts";
import { row } from "./rows.ts";
import type { PlatformSource } from "./runs.ts";

/** An account to link; db/functions/link_account.sql says what becomes of each field. */
export type Link = {
  accountId: string;
  userId: string;
  platform: PlatformSource;
  accountName: string;
  currency: string;
  /** Mono's account id, or the id of the wallet's API user. */
  externalId: string;
  institution?: string | undefined;
  institutionCode?: string | undefined;
  /** Keyed HMAC of institution, number and type, base64. */
  identity?: string | undefined;
  /** Keyed HMAC of externalId, base64: by it a link that was ended for good is recognised. */
  externalIdHmac?: string | undefined;
  /** Accounts of one login are synced together. */
  loginKey?: string | undefined;
  baseUrl?: string | undefined;
  targetEnvironment?: string | undefined;
  timeZone?: string | undefined;
  historyDays?: number | undefined;
  /** Whether the wallet has a statement source. */
  statement?: boolean | undefined;
  credentials?: { kind: string; keyId: string; sealed: string }[] | undefined;
};

/** Which account of this user a new link belongs to; null: a new one. Asked before sealing credentials for it. */
export const matchLink = async (
  db: Queryable,
  link: { userId: string; platform: PlatformSource; externalId: string; identity: Buffer | null },
): Promise<string | null> =>
  (
    await row(db, z.object({ id: z.string().nullable() }), "select app_private.match_link($1, $2, $3, $4) as id", [
      link.userId,
      link.platform,
      link.externalId,
      link.identity,
    ])
  ).id;

/** Links an account, or takes up again one that was linked before. Raises LNKNV, LNKDP, LNKGN. */
export const linkAccount = async (db: Queryable, link: Link): Promise<"linked" | "resumed"> =>
  (
    await row(
      db,
      z.object({ outcome: z.enum(["linked", "resumed"]) }),
      "select app_private.link_account($1) as outcome",
      [JSON.stringify(link)],
    )
  ).outcome;

/** Follows a MoMo request until it is settled; false when it was followed already. Raises NTFND, LNKNV. */
export const trackReference = async (
  db: Queryable,
  reference: {
    accountId: string;
    referenceId: string;
    operation?: "requesttopay" | "requesttowithdraw" | undefined;
    requestedAt?: string | undefined;
    baseUrl?: string | undefined;
    targetEnvironment?: string | undefined;
  },
): Promise<boolean> =>
  (
    await row(
      db,
      z.object({ tracked: z.boolean() }),
      "select app_private.track_reference($1, $2, $3, $4, $5, $6) as tracked",
      [
        reference.accountId,
        reference.referenceId,
        reference.operation ?? "requesttopay",
        reference.requestedAt ?? null,
        reference.baseUrl ?? null,
        reference.targetEnvironment ?? null,
      ],
    )
  ).tracked;
