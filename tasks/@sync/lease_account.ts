import type { LeaseDetails } from "../../db/queries/runs.ts";
import type { Keyring } from "../@credentials/keyring.ts";
import { open } from "../@credentials/seal.ts";
import type { LeasedAccount } from "./platform.ts";

/**
 * Turns what begin_syncs handed over into what a platform works with: credentials opened, and the platform's own address
 * where the account has none of its own. Throws CredentialError when a credential cannot be opened.
 */
export function leaseAccount(
  { credentials, ...details }: LeaseDetails,
  options: { keyring: Keyring; resumed: boolean; baseUrl: string },
): LeasedAccount {
  return {
    accountId: details.accountId,
    runId: details.runId,
    epoch: details.epoch,
    platform: details.platform,
    externalId: details.externalId,
    currency: details.currency,
    baseUrl: details.baseUrl ?? options.baseUrl,
    targetEnvironment: details.targetEnvironment,
    resumed: options.resumed,
    mayRefresh: details.mayRefresh,
    state: details.state,
    windows: details.windows,
    openReferences: details.openReferences,
    credentials: Object.fromEntries(
      credentials.map(({ kind, keyId, sealed }) => [
        kind,
        open(options.keyring, { accountId: details.accountId, kind }, { keyId, sealed }),
      ]),
    ),
  };
}
