import { randomUUID } from "node:crypto";
import type { PushMessage, SendContext } from "../channel.ts";

/** A Wednesday noon. */
export const NOON = new Date("2026-09-30T12:00:00Z");

/** A message that is right in every field that is not given; with a key, an account and a user of its own. */
export function message(given: Partial<PushMessage> = {}): PushMessage {
  return {
    idempotencyKey: randomUUID(),
    userId: randomUUID(),
    language: "fr",
    title: "Renouvelez l'accès à Épargne",
    body: "Mono ne peut plus lire ce compte. Touchez pour renouveler l'accès : une minute suffit. 🔑",
    kind: "reauth_required",
    platformSource: "mono",
    accountId: randomUUID(),
    tag: "ep-1042_x",
    urgency: "high",
    ttlSeconds: 86_400,
    appUrl: "budget://acc/reauth?t=abc",
    webUrl: "https://sync.example.com/acc/reauth?t=abc",
    ...given,
  };
}

export const context = (signal: AbortSignal = new AbortController().signal): SendContext => ({
  signal,
  now: () => NOON,
});
