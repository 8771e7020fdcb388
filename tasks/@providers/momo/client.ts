import { type Call, type HttpClient, type HttpReply, type HttpRequest, urlUnder } from "../../@http/client.ts";
import { ProviderError } from "../../@http/errors.ts";
import { parseReply } from "../../@http/parse_reply.ts";
import { redact } from "../../@http/redact.ts";
import type { OpenReference } from "../../@sync/platform.ts";
import { MomoSubscriptionKeyError } from "./errors.ts";
import {
  apiKeyReply,
  apiUserReply,
  balanceReply,
  momoRefusal,
  type Payment,
  paymentReply,
  tokenReply,
} from "./schemas.ts";

/** Where and as whom a wallet is spoken for. */
export type MomoWallet = {
  baseUrl: string;
  targetEnvironment: string;
  /** X-Reference-Id of the API user (production: the "User ID" of the system credentials). */
  apiUser: string;
  apiKey: string;
  subscriptionKey: SubscriptionKey;
};

/** `isOurs`: from the app's environment; else the wallet's owner brought it. */
export type SubscriptionKey = { value: string; isOurs: boolean };

export type MomoClientOptions = { http: HttpClient; tokenDeadlineMs?: number; deadlineMs?: number };

export type MomoClient = {
  mintToken(wallet: MomoWallet, by: Call): Promise<{ token: string; expiresInSeconds: number }>;
  /** `amount` as sent, unjudged. */
  balance(wallet: MomoWallet, token: string, by: Call): Promise<{ amount: unknown; currency: string }>;
  /** Null where MTN knows no such reference: it never accepted the request (or it was made on its other platform). */
  payment(
    wallet: MomoWallet,
    token: string,
    reference: Pick<OpenReference, "operation" | "referenceId">,
    by: Call,
  ): Promise<Payment | null>;
};

/**
 * The Collections API (MTN MoMo docs). Every method throws ProviderError when MTN says no,
 * MomoSubscriptionKeyError when its gateway does not even let us in, NotJsonError or UnexpectedShapeError when what it
 * says cannot be read, and the errors of HttpClient.send.
 */
export function createMomoClient({
  http,
  tokenDeadlineMs = 30_000,
  deadlineMs = 15_000,
}: MomoClientOptions): MomoClient {
  function product(wallet: MomoWallet, token: string, operation: string, path: string, by: Call) {
    const headers = { ...productHeaders(wallet), authorization: `Bearer ${token}` };
    const url = urlUnder(wallet.baseUrl, path);
    const secrets = [token, wallet.apiKey];
    return call(
      http,
      { operation, method: "GET", url, headers, call: by, deadlineMs },
      wallet.subscriptionKey,
      secrets,
    );
  }

  return {
    async mintToken(wallet, by) {
      // The credentials go raw: URL-encoded ones are a 500 on MTN's new platform, where a token also takes 10 to 20 s
      // and needs the target environment (reported by a client's author).
      const basic = Buffer.from(`${wallet.apiUser}:${wallet.apiKey}`).toString("base64");
      const reply = await call(
        http,
        {
          operation: "mint token",
          method: "POST",
          // Without its last slash this is another operation; with any body it is a 400.
          url: urlUnder(wallet.baseUrl, "/collection/token/"),
          headers: { ...productHeaders(wallet), authorization: `Basic ${basic}` },
          call: by,
          deadlineMs: tokenDeadlineMs,
        },
        wallet.subscriptionKey,
        [wallet.apiKey, basic],
      );
      const { access_token, expires_in } = parseReply(reply, tokenReply);
      return { token: access_token, expiresInSeconds: expires_in };
    },

    async balance(wallet, token, by) {
      const reply = await product(wallet, token, "read balance", "/collection/v1_0/account/balance", by);
      const { availableBalance, currency } = parseReply(reply, balanceReply);
      return { amount: availableBalance, currency };
    },

    async payment(wallet, token, { operation, referenceId }, by) {
      const path = `/collection/v1_0/${operation}/${encodeURIComponent(referenceId)}`;
      try {
        return parseReply(await product(wallet, token, "read payment", path, by), paymentReply);
      } catch (error) {
        // Only the product's own word counts: a gateway's 404 says that the address is wrong.
        if (error instanceof ProviderError && error.status === 404 && error.code === "RESOURCE_NOT_FOUND") return null;
        throw error;
      }
    },
  };
}

export type MomoProvisioning = {
  /** Makes an API user under an id of our choice (UUID v4). Its callback host cannot be changed later. */
  createApiUser(referenceId: string, callbackHost: string, by: Call): Promise<void>;
  /** Makes a new key, which cannot be read again; whether an earlier key dies with it is documented nowhere. */
  createApiKey(referenceId: string, by: Call): Promise<{ apiKey: string }>;
  /** Null where there is no such user. */
  readApiUser(
    referenceId: string,
    by: Call,
  ): Promise<{ callbackHost: string | null; targetEnvironment: string | null } | null>;
};

/** The sandbox's API for users and keys. In production MTN's Partner Portal makes them. Errors as in MomoClient. */
export function createMomoProvisioning(options: {
  http: HttpClient;
  baseUrl: string;
  subscriptionKey: SubscriptionKey;
  deadlineMs?: number;
}): MomoProvisioning {
  const { http, baseUrl, subscriptionKey, deadlineMs = 15_000 } = options;

  function send(
    operation: string,
    method: "GET" | "POST",
    path: string,
    by: Call,
    extra: { headers?: Record<string, string>; json?: unknown } = {},
  ) {
    const headers = { "ocp-apim-subscription-key": subscriptionKey.value, ...extra.headers };
    const request = { operation, method, url: urlUnder(baseUrl, path), call: by, deadlineMs, ...extra, headers };
    return call(http, request, subscriptionKey, []);
  }

  return {
    async createApiUser(referenceId, callbackHost, by) {
      await send("create API user", "POST", "/v1_0/apiuser", by, {
        headers: { "x-reference-id": referenceId },
        json: { providerCallbackHost: callbackHost },
      });
    },
    async createApiKey(referenceId, by) {
      const path = `/v1_0/apiuser/${encodeURIComponent(referenceId)}/apikey`;
      return { apiKey: parseReply(await send("create API key", "POST", path, by), apiKeyReply).apiKey };
    },
    async readApiUser(referenceId, by) {
      try {
        const path = `/v1_0/apiuser/${encodeURIComponent(referenceId)}`;
        const user = parseReply(await send("read API user", "GET", path, by), apiUserReply);
        return {
          callbackHost: user.providerCallbackHost ?? null,
          targetEnvironment: user.targetEnvironment ?? null,
        };
      } catch (error) {
        if (error instanceof ProviderError && error.status === 404 && error.code === "RESOURCE_NOT_FOUND") return null;
        throw error;
      }
    },
  };
}

function productHeaders({ subscriptionKey, targetEnvironment }: MomoWallet): Record<string, string> {
  return { "ocp-apim-subscription-key": subscriptionKey.value, "x-target-environment": targetEnvironment };
}

/** Sends a request of any of MTN's MoMo APIs and sorts its refusals. */
async function call(
  http: HttpClient,
  request: HttpRequest,
  subscriptionKey: SubscriptionKey,
  secrets: string[],
): Promise<HttpReply> {
  const reply = await http.send(request);
  if (reply.status >= 200 && reply.status < 300) return reply;
  const said = reply.body.kind === "json" ? momoRefusal.safeParse(reply.body.value).data : undefined;
  const hidden = { secrets: [...secrets, subscriptionKey.value] };
  const code = said?.code ?? said?.error;
  const refusal = new ProviderError(request.operation, {
    status: reply.status,
    code: typeof code === "string" ? redact(code, { ...hidden, maxLength: 80 }) : null,
    providerMessage: typeof said?.message === "string" ? redact(said.message, hidden) : null,
    retryAfter: reply.headers.get("retry-after")?.slice(0, 64) ?? null,
    body: reply.body.kind,
  });
  throw isAboutSubscription(refusal, said?.message ?? "")
    ? new MomoSubscriptionKeyError(subscriptionKey.isOurs, refusal)
    : refusal;
}

/**
 * The stock answers of Azure's gateway to a key that is missing, wrong, or not subscribed to the product. The product
 * itself never answers 403, and has a code whenever it answers JSON.
 */
function isAboutSubscription({ status, code, body }: ProviderError, message: string): boolean {
  if (code !== null || body !== "json") return false;
  return (status === 401 && /subscription key/i.test(message)) || status === 403;
}
