import type { LinkDetails } from "../@providers/mono/client.ts";
import { bankAccountOf } from "./identity.ts";
import type { NewLink } from "./link_new_account.ts";

/** What is said of a bank account that is to be linked, by a person, a backend or a line of a file. */
export type BankFields = {
  userId: string;
  accountName: string;
  monoAccountId: string;
  currency?: string | undefined;
  institution?: string | undefined;
  institutionCode?: string | undefined;
  loginKey?: string | undefined;
  historyDays?: number | undefined;
};

/**
 * A bank account as it is linked: what is left open is as Mono tells it. Null where its currency is known to nobody.
 *
 * @param details null where Mono was not asked
 */
export function bankLink(fields: BankFields, details: LinkDetails | null): NewLink | null {
  const currency = fields.currency ?? details?.currency?.trim().toUpperCase();
  if (currency === undefined || !/^[A-Z]{3}$/.test(currency)) return null;
  return {
    userId: fields.userId,
    platform: "mono",
    accountName: fields.accountName,
    currency,
    externalId: fields.monoAccountId,
    institution: fields.institution ?? details?.institution ?? undefined,
    institutionCode: fields.institutionCode ?? details?.institutionCode ?? undefined,
    bankAccount: details === null ? undefined : bankAccountOf(details),
    loginKey: fields.loginKey ?? details?.customerId ?? undefined,
    historyDays: fields.historyDays,
  };
}
