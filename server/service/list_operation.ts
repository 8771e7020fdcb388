import { z } from "zod";
import { listAccounts } from "../../db/queries/accounts.ts";
import { platformSource } from "../../db/queries/runs.ts";
import type { Queryable } from "../../db/queryable.ts";
import { nothing, operation, type Operation } from "../routes/operation.ts";
import { ProblemError } from "../routes/problem.ts";

const moment = z.iso.datetime();

const account = z.strictObject({
  id: z.guid(),
  user_id: z.guid(),
  account_name: z.string(),
  account_type: z.enum(["bank", "mobile_money"]),
  balance: z.string().nullable().describe("Exact, in major units of currency: a decimal string"),
  currency: z.string(),
  balance_as_of: moment.nullable(),
  mono_account_id: z.string().nullable(),
  mtn_reference_id: z.string().nullable().describe("The id of the wallet's MoMo API user"),
  institution: z.string().nullable(),
  last_synced_at: moment.nullable().describe("When a sync last succeeded; null: never"),
  sync_status: z.enum(["active", "auth_required", "error"]),
  last_sync_attempt: moment.nullable().describe("When a sync was last begun, whatever came of it"),
  platform_source: platformSource,
  platform_label: z.string().describe('What people read after "Last synced via": Mono, MTN MoMo API'),
  is_syncing: z.boolean(),
  next_sync_at: moment,
  data_as_of: moment.nullable().describe("The moment the provider's data speaks for"),
  coverage_through: z.iso.date().nullable().describe("The last day up to which history is known complete"),
  linked_at: moment,
});

const id = z.guid();

/** The last id of a page, in a form that invites nobody to make one up. */
const toCursor = (last: string): string => Buffer.from(last).toString("base64url");
const fromCursor = (cursor: string): string | undefined =>
  id.safeParse(Buffer.from(cursor, "base64url").toString("latin1")).data;

const cursorProblem = new ProblemError(400, {
  detail: "The request has problems; errors lists them all.",
  errors: [{ in: "query", field: "cursor", problem: "is none that was handed out" }],
});

/** GET /accounts. */
export function listOperation(db: Queryable): Operation {
  return operation({
    method: "GET",
    path: "/accounts",
    id: "listAccounts",
    tag: "accounts",
    summary: "Linked accounts with their sync status, in pages",
    security: "serviceToken",
    params: nothing,
    query: z.strictObject({
      user_id: z.guid().optional().describe("Only this user's"),
      platform_source: platformSource.optional().describe("Only this platform's"),
      limit: z.coerce.number().int().min(1).max(200).default(50).describe("Accounts a page"),
      cursor: z.string().max(100).optional().describe("next_cursor of the page before"),
    }),
    body: z.unknown(),
    answers: {
      200: {
        description: "A page, by id",
        schema: z.strictObject({
          accounts: z.array(account),
          next_cursor: z.string().nullable().describe("Where the next page begins; null: this was the last"),
        }),
      },
    },
    problems: [400, 401, 429, 500],
    async run({ query: { user_id: userId, platform_source: platform, limit, cursor } }) {
      const after = cursor === undefined ? undefined : fromCursor(cursor);
      if (cursor !== undefined && after === undefined) throw cursorProblem;
      // One more than asked for tells whether there is a next page.
      const found = await listAccounts(db, { userId, platform, after }, limit + 1);
      const accounts = found.slice(0, limit);
      const last = accounts.at(-1);
      const hasMore = found.length > limit && last !== undefined;
      return { status: 200, body: { accounts, next_cursor: hasMore ? toCursor(last.id) : null } };
    },
  });
}
