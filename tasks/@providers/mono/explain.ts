import type { Call } from "../../@http/client.ts";
import { ProviderError, RequestAbortedError } from "../../@http/errors.ts";
import type { Platform, SyncContext, SyncFailure } from "../../@sync/platform.ts";
import { failure, providersWords, rateLimited, transportFailure, unknownFailure } from "../transport_failure.ts";
import { isReauthorisation, type MonoClient } from "./client.ts";
import { MonoReauthorisationError, MonoRefreshFailedError } from "./errors.ts";

/** Whose fault a refusal is, by what a call that needs our key only had to say. */
type KeyCheck = "ours" | "accounts" | "unclear";

const CHECK_EVERY_MS = 60_000;

/**
 * Turns Mono's errors into failures. By status, because Mono has no codes (Mono docs, errors):
 *
 *     401, 403        whose? our key is tried on a call that needs no account: refused → configuration, else auth_required
 *     400, 403, 428   with words of re-authorisation (seen by one client only) → auth_required
 *     404             of an account → account_gone; of anything else → invalid_response
 *     429             rate_limited
 *     408, 425, 500   transient: this request went wrong
 *     502, 503, 504, and any 5xx whose body is no JSON: provider_down, a gateway speaks where Mono should
 *     other           invalid_response: Mono does not understand us, or we do not understand Mono
 */
export function createMonoExplainer(client: Pick<MonoClient, "checkKey">): Platform["explain"] {
  let checked: { at: number; outcome: Promise<KeyCheck> } | null = null;

  /**
   * A key that was refused is not tried again for a minute, however many accounts are refused in it. That it was good is
   * forgotten at once: were it to end a moment later, every account refused in that minute would be blamed for it.
   */
  function checkKey(context: Pick<SyncContext, "now" | "signal">): Promise<KeyCheck> {
    const now = context.now().getTime();
    if (checked === null || Math.abs(now - checked.at) >= CHECK_EVERY_MS) {
      const check = { at: now, outcome: whoseFault(client, context) };
      checked = check;
      void check.outcome
        // A check that we ourselves broke off has found out nothing that would hold for a minute.
        .then(
          (whose) => whose !== "accounts",
          () => false,
        )
        .then((holds) => {
          if (!holds && checked === check) checked = null;
          return holds;
        });
    }
    return checked.outcome;
  }

  return async (error, context) => {
    if (error instanceof MonoReauthorisationError) {
      return failure("auth_required", "The bank asks for the connection to be renewed.", {
        code: "REAUTHORISATION_REQUIRED",
      });
    }
    if (error instanceof MonoRefreshFailedError) {
      return failure("transient", "The bank could not be refreshed.", { code: `REFRESH_FAILED_${error.dataStatus}` });
    }
    if (!(error instanceof ProviderError)) return transportFailure(error, "Mono") ?? unknownFailure(error);
    const { status, body } = error;
    const code = providersWords(error);
    if ([400, 403, 428].includes(status) && isReauthorisation(code)) {
      return failure("auth_required", "The bank asks for the connection to be renewed.", { code });
    }
    if (status === 401 || status === 403) {
      try {
        return refused(await checkKey(context), code);
      } catch (stopped) {
        return transportFailure(stopped, "Mono") ?? unknownFailure(stopped);
      }
    }
    if (status === 404 && isAboutAccount(error.operation)) {
      return failure("account_gone", "Mono does not know this account.", { code });
    }
    if (status === 429) {
      return rateLimited(error, "Mono", context.now());
    }
    if ([502, 503, 504].includes(status) || (status >= 500 && body !== "json")) {
      return failure("provider_down", `Mono is not available (status ${status}).`, { code });
    }
    if (status >= 500 || status === 408 || status === 425) {
      return failure("transient", `Mono could not answer (status ${status}).`, { code });
    }
    return failure("invalid_response", `Mono did not accept a request (${error.operation}, status ${status}).`, {
      code,
    });
  };
}

function refused(whose: KeyCheck, code: string): SyncFailure {
  if (whose === "ours") return failure("configuration", "Mono does not accept our secret key.", { code });
  if (whose === "accounts") return failure("auth_required", "Mono no longer has access to this account.", { code });
  // Neither the user nor the operator is called before somebody is known to be needed.
  return failure("transient", "Mono refused access, and whose key is at fault could not be found out.", { code });
}

async function whoseFault(client: Pick<MonoClient, "checkKey">, by: Call): Promise<KeyCheck> {
  try {
    await client.checkKey(by);
    return "accounts";
  } catch (error) {
    if (error instanceof RequestAbortedError) throw error;
    return error instanceof ProviderError && (error.status === 401 || error.status === 403) ? "ours" : "unclear";
  }
}

function isAboutAccount(operation: string): boolean {
  return operation === "read account" || operation === "read transactions";
}
