import { urlUnder } from "../../tasks/@http/client.ts";
import { InsecureUrlError } from "../../tasks/@http/errors.ts";
import type { NewLink } from "../../tasks/@linking/link_new_account.ts";
import { walletLink, type WalletDefaults } from "../../tasks/@linking/wallet_link.ts";
import { momoEnvironmentNames } from "../../tasks/@providers/momo/environments.ts";
import { UsageError } from "../usage.ts";
import type { WalletFields } from "./fields.ts";

/**
 * The link of a wallet, without its credentials. Throws UsageError for an environment that MTN does not have, or an address
 * that no secret may be sent to.
 */
export function walletLinkOrRefuse(fields: WalletFields, defaults: WalletDefaults): Omit<NewLink, "credentials"> {
  const link = walletLink(fields, defaults);
  if (link === null) {
    throw new UsageError(`MTN has no such target environment; it has ${momoEnvironmentNames.join(", ")}.`);
  }
  try {
    urlUnder(link.baseUrl, "");
  } catch (error) {
    if (!(error instanceof InsecureUrlError)) throw error;
    throw new UsageError("The wallet's base URL must start with https:// (http:// is for this machine only).", {
      cause: error,
    });
  }
  return link;
}
