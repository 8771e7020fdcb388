import { MOMO_SANDBOX_URL, momoEnvironment } from "../@providers/momo/environments.ts";
import type { NewLink } from "./link_new_account.ts";

/** What is said of a wallet that is to be linked, by a person, a backend or a line of a file; its secrets are not among it. */
export type WalletFields = {
  userId: string;
  accountName: string;
  mtnReferenceId: string;
  currency?: string | undefined;
  institution?: string | undefined;
  historyDays?: number | undefined;
  baseUrl?: string | undefined;
  targetEnvironment?: string | undefined;
};

/** Where wallets are reached that do not say so themselves. */
export type WalletDefaults = { baseUrl: string; targetEnvironment: string };

/**
 * A MoMo wallet as it is linked, without its credentials. Currency, time zone and address follow from its target
 * environment; null for one that MTN does not have.
 */
export function walletLink(
  fields: WalletFields,
  defaults: WalletDefaults,
): (Omit<NewLink, "credentials"> & { baseUrl: string }) | null {
  const targetEnvironment = fields.targetEnvironment ?? defaults.targetEnvironment;
  const environment = momoEnvironment(targetEnvironment);
  if (environment === null) return null;
  // The sandbox's address is what nobody configured; no wallet of a country is there.
  const isUnset = defaults.baseUrl === MOMO_SANDBOX_URL && targetEnvironment !== "sandbox";
  return {
    userId: fields.userId,
    platform: "mtn_momo",
    accountName: fields.accountName,
    currency: fields.currency ?? environment.currency,
    externalId: fields.mtnReferenceId,
    institution: fields.institution ?? "MTN MoMo",
    baseUrl: fields.baseUrl ?? (isUnset ? environment.baseUrl : defaults.baseUrl),
    targetEnvironment,
    timeZone: environment.zone,
    historyDays: fields.historyDays,
  };
}
