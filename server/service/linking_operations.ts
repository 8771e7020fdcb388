import { z } from "zod";
import { trackReference } from "../../db/queries/links.ts";
import { platformSource } from "../../db/queries/runs.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import type { MonoForPeople } from "../../tasks/@linking/mono_for_people.ts";
import type { WalletDefaults } from "../../tasks/@linking/wallet_link.ts";
import { nothing, operation, type Operation } from "../routes/operation.ts";
import { bankLink, linkBank } from "./link_bank.ts";
import { baseUrlField, linkWallet, targetEnvironmentField, walletLink } from "./link_wallet.ts";

export type LinkingDependencies = {
  /** Acts as app_service. */
  db: Queryable;
  keyring: Keyring;
  /** Null: this process has no key of Mono's. */
  mono: MonoForPeople | null;
  momo: WalletDefaults;
};

const linked = z.strictObject({
  id: z.guid().describe("Our id of the account"),
  platform_source: platformSource,
  outcome: z
    .enum(["linked", "resumed", "unchanged"])
    .describe("resumed: an account of before goes on under this link; unchanged: this very link stood already"),
});

const common = { method: "POST", tag: "accounts", security: "serviceToken", params: nothing, query: nothing } as const;

/** POST /accounts and POST /momo/references. */
export function linkingOperations(deps: LinkingDependencies): Operation[] {
  const { db, momo } = deps;
  return [
    operation({
      ...common,
      path: "/accounts",
      id: "linkAccount",
      summary: "Link an account",
      description:
        "A bank account by Mono's account id or the code of Mono Connect, or a MoMo wallet with its keys, which are " +
        "sealed before they are stored and never answered. Its first sync is queued.",
      body: z.discriminatedUnion("platform_source", [bankLink, walletLink(momo)], {
        error: "must be mono or mtn_momo",
      }),
      answers: {
        200: { description: "The account was there before", schema: linked },
        201: { description: "A new account", schema: linked },
      },
      problems: [400, 401, 409, 413, 415, 422, 429, 500, 502, 503],
      async run({ body }, request) {
        const done = await (body.platform_source === "mono" ? linkBank(deps, body) : linkWallet(deps, body));
        const { id, platform_source, outcome } = done;
        request.log.info(
          { service: request.serviceAccount, account_id: id, platform: platform_source },
          `account ${outcome}`,
        );
        return { status: outcome === "linked" ? 201 : 200, body: done };
      },
    }),
    operation({
      ...common,
      path: "/momo/references",
      id: "trackReference",
      summary: "Follow a MoMo request until it is settled",
      description: "Best called before the request is posted to MTN. The same reference twice is one reference.",
      body: z.strictObject({
        account_id: z.guid(),
        reference_id: z.guid().describe("X-Reference-Id of the request"),
        operation: z.enum(["requesttopay", "requesttowithdraw"]).default("requesttopay"),
        requested_at: z.iso.datetime({ offset: true }).optional().describe("Now, where it is left out"),
        base_url: baseUrlField(momo).optional().describe("The wallet's own where it is left out"),
        target_environment: targetEnvironmentField.optional(),
      }),
      answers: {
        200: { description: "Followed already", schema: z.strictObject({ tracked: z.literal(false) }) },
        201: { description: "Followed from now on", schema: z.strictObject({ tracked: z.literal(true) }) },
      },
      problems: [400, 401, 404, 409, 413, 415, 422, 429, 500],
      async run({ body }) {
        const tracked = await trackReference(db, {
          accountId: body.account_id,
          referenceId: body.reference_id,
          operation: body.operation,
          requestedAt: body.requested_at,
          baseUrl: body.base_url,
          targetEnvironment: body.target_environment,
        });
        return { status: tracked ? 201 : 200, body: { tracked } };
      },
    }),
  ];
}
