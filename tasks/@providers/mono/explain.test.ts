import test from "ava";
import { type NotJson, ProviderError, RequestAbortedError } from "../../@http/errors.ts";
import type { FailureKind } from "../../@sync/platform.ts";
import { testContext } from "../testing/runs.ts";
import { MonoReauthorisationError } from "./errors.ts";
import { createMonoExplainer } from "./explain.ts";

const NOW = "2026-01-31T12:00:00.000Z";

type Given = { operation?: string; status: number; message?: string; body?: "json" | NotJson; retryAfter?: string };

const refusal = ({ operation = "read transactions", status, message, body = "json", retryAfter }: Given) =>
  new ProviderError(operation, {
    status,
    code: null,
    providerMessage: message ?? null,
    retryAfter: retryAfter ?? null,
    body,
  });

const keyIsGood = { checkKey: () => Promise.resolve() };

test("each status means what the table says", async (t) => {
  const cases: [Given, FailureKind][] = [
    [{ status: 401 }, "auth_required"],
    [{ status: 403 }, "auth_required"],
    [{ status: 403, message: "Account needs reauthorisation" }, "auth_required"],
    [{ status: 400, message: "REAUTHORISATION_REQUIRED" }, "auth_required"],
    [{ status: 428, message: "please re-authenticate" }, "auth_required"],
    [{ status: 400, message: "start must be a date" }, "invalid_response"],
    [{ status: 402 }, "invalid_response"],
    [{ status: 404 }, "account_gone"],
    [{ status: 404, operation: "read account" }, "account_gone"],
    [{ status: 404, operation: "poll refresh job" }, "invalid_response"],
    [{ status: 409 }, "invalid_response"],
    [{ status: 302, body: "empty" }, "invalid_response"],
    [{ status: 200, message: "failed, says the envelope" }, "invalid_response"],
    [{ status: 408 }, "transient"],
    [{ status: 425 }, "transient"],
    [{ status: 429 }, "rate_limited"],
    [{ status: 500 }, "transient"],
    [{ status: 500, body: "html" }, "provider_down"],
    [{ status: 500, body: "empty" }, "provider_down"],
    [{ status: 502 }, "provider_down"],
    [{ status: 503 }, "provider_down"],
    [{ status: 504, body: "html" }, "provider_down"],
  ];
  for (const [given, kind] of cases) {
    const failure = await createMonoExplainer(keyIsGood)(refusal(given), testContext(NOW));
    t.is(failure.kind, kind, JSON.stringify(given));
    t.true(failure.message.length <= 200);
  }
  t.is((await createMonoExplainer(keyIsGood)(new MonoReauthorisationError(), testContext(NOW))).kind, "auth_required");
});

test("Retry-After becomes a moment of business time", async (t) => {
  const explain = createMonoExplainer(keyIsGood);
  const at = async (retryAfter?: string) =>
    (await explain(refusal({ status: 429, ...(retryAfter === undefined ? {} : { retryAfter }) }), testContext(NOW)))
      .retryAt;
  t.is(await at(), null);
  t.is(await at("90"), "2026-01-31T12:01:30.000Z");
  t.is(await at("Sat, 31 Jan 2026 12:05:00 GMT"), "2026-01-31T12:05:00.000Z");
  t.is(await at("nonsense"), null);
});

test("a key of ours that is refused is tried once a minute, however many accounts are refused", async (t) => {
  let asked = 0;
  let answer: () => Promise<void> = () => Promise.reject(refusal({ operation: "check key", status: 401 }));
  const explain = createMonoExplainer({ checkKey: () => ((asked += 1), answer()) });
  const context = testContext(NOW);
  const unauthorized = refusal({ status: 401 });
  const kinds = await Promise.all([explain(unauthorized, context), explain(unauthorized, context)]);
  t.deepEqual(
    kinds.map(({ kind }) => kind),
    ["configuration", "configuration"],
  );
  answer = () => Promise.resolve();
  context.advance(59);
  t.is((await explain(unauthorized, context)).kind, "configuration");
  t.is(asked, 1);
  context.advance(1);
  t.is((await explain(unauthorized, context)).kind, "auth_required");
  t.is(asked, 2);
});

test("a key of ours that ends a moment after it was good is blamed on nobody's account", async (t) => {
  let asked = 0;
  let answer: () => Promise<void> = () => Promise.resolve();
  const explain = createMonoExplainer({ checkKey: () => ((asked += 1), answer()) });
  const context = testContext(NOW);
  const unauthorized = refusal({ status: 401 });
  const together = await Promise.all([explain(unauthorized, context), explain(unauthorized, context)]);
  t.deepEqual(
    together.map(({ kind }) => kind),
    ["auth_required", "auth_required"],
  );
  t.is(asked, 1, "those who are refused at the same moment share one question");
  answer = () => Promise.reject(refusal({ operation: "check key", status: 401 }));
  context.advance(1);
  t.is((await explain(unauthorized, context)).kind, "configuration");
});

test("while nobody can tell whose key it is, nobody is blamed", async (t) => {
  for (const error of [refusal({ operation: "check key", status: 503 }), new Error("network")]) {
    const explain = createMonoExplainer({ checkKey: () => Promise.reject(error) });
    t.is((await explain(refusal({ status: 401 }), testContext(NOW))).kind, "transient");
  }
});

test("a check that we broke off ourselves is not remembered", async (t) => {
  let asked = 0;
  const aborted = new RequestAbortedError("check key", null);
  const explain = createMonoExplainer({
    checkKey: () => ((asked += 1) === 1 ? Promise.reject(aborted) : Promise.resolve()),
  });
  t.is((await explain(refusal({ status: 401 }), testContext(NOW))).kind, "interrupted");
  t.is((await explain(refusal({ status: 401 }), testContext(NOW))).kind, "auth_required");
});

test("an error of our own says its class and nothing else", async (t) => {
  const failure = await createMonoExplainer(keyIsGood)(new TypeError("account 0131883461"), testContext(NOW));
  t.like(failure, { kind: "transient", code: "unexpected_error" });
  t.false(JSON.stringify(failure).includes("0131883461"));
});
