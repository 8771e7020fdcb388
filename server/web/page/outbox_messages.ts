/** What pages and the service worker say to each other about requests that wait for a network. */

export const OUTBOX_CHANNEL = "tidemark outbox";
/** Mark a request that is to be kept when it cannot be sent. */
export const KEY_HEADER = "idempotency-key";
export const ACCOUNT_HEADER = "x-tidemark-account";

export type Kept = { userId: string; accountId: string; /** Milliseconds since 1970. */ since: number };

export type OutboxNews =
  | { kind: "kept"; all: Kept[] }
  /** `outcome`: what the server answered (SyncRequestOutcome); null where the session had ended, or the account is not theirs. */
  | { kind: "sent"; userId: string; accountId: string; outcome: string | null; until: string | null };
