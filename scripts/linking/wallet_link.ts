import type { Environment } from "../../db/environment.ts";
import { urlUnder } from "../../tasks/@http/client.ts";
import { InsecureUrlError } from "../../tasks/@http/errors.ts";
import type { NewLink } from "../../tasks/@linking/link_new_account.ts";
import { momoEnvironment, momoEnvironmentNames, MOMO_SANDBOX_URL } from "../../tasks/@providers/momo/environments.ts";
import { UsageError } from "../usage.ts";
import type { WalletFields } from "./fields.ts";

/** Where wallets are reached that do not say so themselves. */
export type WalletDefaults = Pick<Environment, "MOMO_BASE_URL" | "MOMO_TARGET_ENVIRONMENT">;

/**
 * A MoMo wallet as it is linked, without its credentials. Currency and time zone follow from its target environment.
 * Throws UsageError for an environment that MTN does not have, or an address that no secret may be sent to.
 */
export function walletLink(fields: WalletFields, defaults: WalletDefaults): Omit<NewLink, "credentials"> {
  const targetEnvironment = fields.targetEnvironment ?? defaults.MOMO_TARGET_ENVIRONMENT;
  const environment = momoEnvironment(targetEnvironment);
  if (environment === null) {
    throw new UsageError(`MTN has no such target environment; it has ${momoEnvironmentNames.join(", ")}.`);
  }
  // The sandbox's address is what nobody configured; no wallet of a country is there.
  const isUnset = defaults.MOMO_BASE_URL === MOMO_SANDBOX_URL && targetEnvironment !== "sandbox";
  const baseUrl = fields.baseUrl ?? (isUnset ? environment.baseUrl : defaults.MOMO_BASE_URL);
  try {
    urlUnder(baseUrl, "");
  } catch (error) {
    if (!(error instanceof InsecureUrlError)) throw error;
    throw new UsageError("The wallet's base URL must start with https:// (http:// is for this machine only).", {
      cause: error,
    });
  }
  return {
    userId: fields.userId,
    platform: "mtn_momo",
    accountName: fields.accountName,
    currency: fields.currency ?? environment.currency,
    externalId: fields.mtnReferenceId,
    institution: fields.institution ?? "MTN MoMo",
    baseUrl,
    targetEnvironment,
    timeZone: environment.zone,
    historyDays: fields.historyDays,
  };
}
