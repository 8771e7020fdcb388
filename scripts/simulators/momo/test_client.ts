/** Calls a simulator as an app would call MTN, for the tests of this folder. */
import { randomUUID } from "node:crypto";
import { Agent, request } from "undici";
import { type MomoSimulator, type MomoSimulatorOptions, startMomoSimulator } from "./simulator.ts";
import type { WalletCredentials } from "./wallet_controls.ts";

/** A Wednesday noon. */
export const NOON = Date.parse("2026-09-30T12:00:00Z");

/** A simulator whose clock stands still between moves, with no limit that a standing clock would never leave. */
export function startStanding(options: Partial<MomoSimulatorOptions> = {}): Promise<MomoSimulator> {
  return startMomoSimulator({ seed: "tests", now: () => NOON, rateLimit: null, statementRateLimit: null, ...options });
}

export type Answer = {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: unknown;
};

export type Call = { method?: string; headers?: Record<string, string>; body?: unknown; rawBody?: string };

export async function call(url: string, { method = "GET", headers = {}, body, rawBody }: Call = {}): Promise<Answer> {
  // A connection each: a cut one must not be seen by the next call.
  const agent = new Agent();
  try {
    const answer = await request(url, {
      method,
      headers: body === undefined ? headers : { "content-type": "application/json", ...headers },
      body: rawBody ?? (body === undefined ? null : JSON.stringify(body)),
      dispatcher: agent,
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: parsed(text) };
  } finally {
    await agent.close();
  }
}

function parsed(text: string): unknown {
  if (!/^[[{]/.test(text)) return undefined;
  const value: unknown = JSON.parse(text);
  return value;
}

/** One field of a JSON object, as text. */
export function field(answer: { json: unknown }, name: string): string {
  const { json } = answer;
  if (typeof json !== "object" || json === null) throw new Error(`no JSON object with ${name}`);
  return String(new Map<string, unknown>(Object.entries(json)).get(name));
}

export function basic(wallet: Pick<WalletCredentials, "apiUser" | "apiKey">): string {
  return `Basic ${Buffer.from(`${wallet.apiUser}:${wallet.apiKey}`).toString("base64")}`;
}

export function fetchToken(wallet: WalletCredentials, headers: Record<string, string> = {}): Promise<Answer> {
  return call(`${wallet.baseUrl}/collection/token/`, {
    method: "POST",
    headers: { authorization: basic(wallet), "ocp-apim-subscription-key": wallet.subscriptionKey, ...headers },
  });
}

export type Client = {
  /** Product calls under /collection with all headers right, unless told otherwise. */
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** A request to pay that is right in every field that is not given. */
  pay(given?: { reference?: string; headers?: Record<string, string>; [field: string]: unknown }): Promise<Answer>;
};

export async function clientOf(wallet: WalletCredentials): Promise<Client> {
  const headers = {
    authorization: `Bearer ${field(await fetchToken(wallet, { "x-target-environment": wallet.targetEnvironment }), "access_token")}`,
    "ocp-apim-subscription-key": wallet.subscriptionKey,
    "x-target-environment": wallet.targetEnvironment,
  };
  const post: Client["post"] = (path, body, extra = {}) =>
    call(`${wallet.baseUrl}/collection${path}`, { method: "POST", body, headers: { ...headers, ...extra } });
  return {
    get: (path, extra = {}) => call(`${wallet.baseUrl}/collection${path}`, { headers: { ...headers, ...extra } }),
    post,
    pay: ({ reference = randomUUID(), headers: extra = {}, ...fields } = {}) =>
      post(
        "/v1_0/requesttopay",
        { amount: "5.00", currency: wallet.currency, externalId: "inv-1", payer: payer("46733123999"), ...fields },
        { "x-reference-id": reference, ...extra },
      ),
  };
}

export const payer = (partyId: string): { partyIdType: string; partyId: string } => ({
  partyIdType: "MSISDN",
  partyId,
});
