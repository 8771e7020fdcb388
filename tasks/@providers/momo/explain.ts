import { InsecureUrlError, ProviderError } from "../../@http/errors.ts";
import type { FailureKind, Platform } from "../../@sync/platform.ts";
import { failure, providersWords, rateLimited, transportFailure, unknownFailure } from "../transport_failure.ts";
import { MomoSetupError, MomoSubscriptionKeyError } from "./errors.ts";

const PROVIDER = "MTN MoMo";

/**
 * What MTN's codes mean whatever their status: it sends 500 for most of what will never change (MTN docs).
 * NOT_ALLOWED_TARGET_ENVIRONMENT is what an API user gets that was made for another product or country, so that it is
 * the wallet's set-up that must be renewed, not the app's.
 */
const BY_CODE: ReadonlyMap<string, FailureKind> = new Map([
  ["NOT_ALLOWED", "auth_required"],
  ["NOT_ALLOWED_TARGET_ENVIRONMENT", "auth_required"],
  ["RESOURCE_NOT_FOUND", "account_gone"],
  ["INTERNAL_PROCESSING_ERROR", "transient"],
  ["SERVICE_UNAVAILABLE", "provider_down"],
  ["INVALID_CALLBACK_URL_HOST", "invalid_response"],
  ["INVALID_CURRENCY", "invalid_response"],
  ["RESOURCE_ALREADY_EXIST", "invalid_response"],
  ["PAYER_NOT_FOUND", "invalid_response"],
  ["PAYEE_NOT_FOUND", "invalid_response"],
  // MADAPI's codes (MTN's specification).
  ["1013", "rate_limited"],
  ["3006", "rate_limited"],
  ["4000", "auth_required"],
  ["5000", "invalid_response"],
]);

/**
 * Turns MTN's errors into failures: first by code, then by status.
 *
 *     401          the wallet's key: of a token at once, of a product call after a new token was refused too → auth_required
 *     429          rate_limited
 *     502–504, and any 403 or 5xx that is no JSON: provider_down, a gateway or firewall speaks where MTN should
 *     408, 425, 5xx transient
 *     other        invalid_response
 *
 * A refused subscription key is `configuration` when it is ours, and the wallet's trouble when its owner brought it.
 */
export const explainMomo: Platform["explain"] = (error, context) => {
  return Promise.resolve(explain(error, context.now()));
};

function explain(error: unknown, now: Date) {
  if (error instanceof MomoSubscriptionKeyError) {
    const code = providersWords(error.refusal);
    return error.isOurs
      ? failure("configuration", "MTN does not accept our subscription key.", { code })
      : failure("auth_required", "MTN does not accept the wallet's subscription key.", { code });
  }
  if (error instanceof MomoSetupError) {
    return failure("auth_required", `The wallet must be set up again: it lacks ${error.missing}.`, { code: "setup" });
  }
  // The app's own addresses were checked when the platform was made.
  if (error instanceof InsecureUrlError) {
    return failure("auth_required", "The wallet must be set up again: its address cannot be used.", {
      code: "insecure_url",
    });
  }
  if (!(error instanceof ProviderError)) return transportFailure(error, PROVIDER) ?? unknownFailure(error);
  const kind = kindOf(error);
  return kind === "rate_limited"
    ? rateLimited(error, PROVIDER, now)
    : failure(kind, sentence(kind, error), { code: providersWords(error) });
}

function kindOf({ operation, status, code, providerMessage, body }: ProviderError): FailureKind {
  if (status === 429) return "rate_limited";
  const byCode = BY_CODE.get(code ?? "");
  if (byCode !== undefined) return byCode;
  if (status === 401) return "auth_required";
  // The new platform's token endpoint names a wrong environment in words only.
  if (status === 400 && operation === "mint token" && /target-environment/i.test(`${code} ${providerMessage}`)) {
    return "auth_required";
  }
  if ([502, 503, 504].includes(status) || ((status >= 500 || status === 403) && body !== "json"))
    return "provider_down";
  if (status >= 500 || status === 408 || status === 425) return "transient";
  return "invalid_response";
}

function sentence(kind: FailureKind, { operation, status }: ProviderError): string {
  if (kind === "auth_required") {
    return operation.includes("statement")
      ? "MTN no longer accepts the credentials of the wallet's statement."
      : "MTN no longer accepts the wallet's API user and key.";
  }
  if (kind === "account_gone") return "MTN does not know this wallet.";
  if (kind === "provider_down") return `MTN MoMo is not available (status ${status}).`;
  if (kind === "transient") return `MTN MoMo could not answer (status ${status}).`;
  return `MTN MoMo did not accept a request (${operation}, status ${status}).`;
}
