import test from "ava";
import { type NotJson, ProviderError } from "../../@http/errors.ts";
import type { FailureKind } from "../../@sync/platform.ts";
import { testContext } from "../testing/runs.ts";
import { MomoSubscriptionKeyError } from "./errors.ts";
import { explainMomo } from "./explain.ts";

const NOW = "2026-01-31T12:00:00.000Z";

type Given = {
  operation?: string;
  status: number;
  code?: string;
  message?: string;
  body?: "json" | NotJson;
  retryAfter?: string;
};

const refusal = ({ operation = "read balance", status, code, message, body = "json", retryAfter }: Given) =>
  new ProviderError(operation, {
    status,
    code: code ?? null,
    providerMessage: message ?? null,
    retryAfter: retryAfter ?? null,
    body,
  });

test("each code and status means what the tables say", async (t) => {
  const cases: [Given, FailureKind][] = [
    [{ status: 400, body: "empty" }, "invalid_response"],
    [{ operation: "mint token", status: 400, code: "Invalid or missing X-Target-Environment header" }, "auth_required"],
    [{ operation: "mint token", status: 401, code: "login_failed" }, "auth_required"],
    [{ operation: "mint token", status: 401, code: "invalid_client" }, "auth_required"],
    [{ status: 401, body: "empty" }, "auth_required"],
    [{ status: 403, body: "html" }, "provider_down"],
    [{ status: 404, code: "RESOURCE_NOT_FOUND" }, "account_gone"],
    [{ status: 404, message: "Resource not found" }, "invalid_response"],
    [{ status: 409, code: "RESOURCE_ALREADY_EXIST" }, "invalid_response"],
    [{ status: 429 }, "rate_limited"],
    [{ status: 500, code: "NOT_ALLOWED" }, "auth_required"],
    [{ status: 500, code: "NOT_ALLOWED_TARGET_ENVIRONMENT" }, "auth_required"],
    [{ status: 500, code: "INVALID_CALLBACK_URL_HOST" }, "invalid_response"],
    [{ status: 500, code: "INVALID_CURRENCY" }, "invalid_response"],
    [{ status: 500, code: "PAYER_NOT_FOUND" }, "invalid_response"],
    [{ status: 500, code: "INTERNAL_PROCESSING_ERROR" }, "transient"],
    [{ status: 500, code: "SOMETHING_NEW" }, "transient"],
    [{ status: 500, body: "html" }, "provider_down"],
    [{ status: 503, code: "SERVICE_UNAVAILABLE" }, "provider_down"],
    [{ status: 502, body: "empty" }, "provider_down"],
    [{ operation: "read statement", status: 401, code: "4000" }, "auth_required"],
    [{ operation: "read statement", status: 400, code: "5000" }, "invalid_response"],
    [{ operation: "read statement", status: 500, code: "3006" }, "rate_limited"],
    [{ operation: "read statement", status: 429, code: "1013" }, "rate_limited"],
    [{ operation: "read statement", status: 404, code: "1002" }, "invalid_response"],
  ];
  for (const [given, kind] of cases) {
    const failure = await explainMomo(refusal(given), testContext(NOW));
    t.is(failure.kind, kind, JSON.stringify(given));
  }
});

test("when to come back is told by the header, in words, or not at all", async (t) => {
  const at = async (given: Partial<Given>) =>
    (await explainMomo(refusal({ status: 429, ...given }), testContext(NOW))).retryAt;
  t.is(await at({ retryAfter: "30", message: "Try again in 7 seconds." }), "2026-01-31T12:00:30.000Z");
  t.is(await at({ message: "Rate limit is exceeded. Try again in 7 seconds." }), "2026-01-31T12:00:07.000Z");
  t.is(await at({}), null);
});

test("a subscription key is the trouble of whoever brought it", async (t) => {
  const denied = refusal({ status: 401, message: "Access denied due to invalid subscription key." });
  t.is((await explainMomo(new MomoSubscriptionKeyError(true, denied), testContext(NOW))).kind, "configuration");
  t.is((await explainMomo(new MomoSubscriptionKeyError(false, denied), testContext(NOW))).kind, "auth_required");
});
