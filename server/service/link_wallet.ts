import { z } from "zod";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import {
  MOMO_LEGACY_PRODUCTION_URL,
  MOMO_PRODUCTION_URL,
  MOMO_SANDBOX_URL,
  momoEnvironmentNames,
} from "../../tasks/@providers/momo/environments.ts";
import { walletLink as walletLinkOf, type WalletDefaults } from "../../tasks/@linking/wallet_link.ts";
import { ProblemError } from "../routes/problem.ts";
import { currencyField, type Linked, linkFields } from "./link_fields.ts";

/** A secret goes into a header as it is. */
const secret = z.string().regex(/^[\x21-\x7e]{1,4000}$/, "must be one word");

export const targetEnvironmentField = z.enum(momoEnvironmentNames, { error: "is no target environment of MTN's" });

/** Only places that are known to be MTN's, or that were configured: keys are sent there. */
export const baseUrlField = (defaults: WalletDefaults) =>
  z.enum([...new Set([defaults.baseUrl, MOMO_SANDBOX_URL, MOMO_PRODUCTION_URL, MOMO_LEGACY_PRODUCTION_URL])], {
    error: "is no address of MTN's, nor the one that was configured",
  });

/** A MoMo wallet with its keys. */
export const walletLink = (defaults: WalletDefaults) =>
  z.strictObject({
    platform_source: z.literal("mtn_momo"),
    ...linkFields,
    mtn_reference_id: z.guid().describe("The id of the wallet's MoMo API user"),
    base_url: baseUrlField(defaults).optional(),
    target_environment: targetEnvironmentField.optional(),
    currency: currencyField.optional().describe("The environment's own where it is left out"),
    credentials: z.strictObject({
      api_key: secret,
      subscription_key: secret.optional().describe("The app's own where it is left out"),
      statement: z
        .strictObject({
          client_id: secret,
          client_secret: secret,
          api_key: secret,
          msisdn: z.string().regex(/^\d{7,15}$/, "must be the country code and the number, digits only"),
        })
        .optional()
        .describe("The wallet's MADAPI contract, where it has one"),
    }),
  });

/** Links it. Its keys are sealed before they reach SQL. Throws ProblemError, and the refusals of link_account. */
export async function linkWallet(
  { db, keyring, momo }: { db: Queryable; keyring: Keyring; momo: WalletDefaults },
  given: z.infer<ReturnType<typeof walletLink>>,
): Promise<Linked> {
  const fields = {
    userId: given.user_id,
    accountName: given.account_name,
    mtnReferenceId: given.mtn_reference_id,
    currency: given.currency,
    institution: given.institution,
    historyDays: given.history_days,
    baseUrl: given.base_url,
    targetEnvironment: given.target_environment,
  };
  const link = walletLinkOf(fields, momo);
  if (link === null) {
    throw new ProblemError(422, { code: "LNKNV", detail: "The configured target environment is none of MTN's." });
  }
  const { api_key, subscription_key, statement } = given.credentials;
  const { accountId, outcome } = await linkNewAccount(db, keyring, {
    ...link,
    statement: statement !== undefined,
    credentials: {
      momo_api_key: api_key,
      ...(subscription_key === undefined ? {} : { momo_subscription_key: subscription_key }),
      ...(statement === undefined
        ? {}
        : {
            madapi_client_id: statement.client_id,
            madapi_client_secret: statement.client_secret,
            madapi_api_key: statement.api_key,
            msisdn: statement.msisdn,
          }),
    },
  });
  return { id: accountId, platform_source: "mtn_momo", outcome };
}
