import { createHmac, createSecretKey, hkdfSync } from "node:crypto";
import { receiveWebhooks, type Webhook } from "../../db/queries/webhooks.ts";
import type { Queryable } from "../../db/queryable.ts";
import type { Keyring } from "../../tasks/@credentials/keyring.ts";

/** Stored together at most; a call with so many takes some 20 ms. */
const BATCH = 250;

type Waiting = { webhook: Webhook; stored: () => void; failed: (error: unknown) => void };

/**
 * Stores webhooks, and tells each sender when its own is safe. One call to the database at a time, with all that arrived
 * during the one before: a quiet minute has calls of one, a burst has few calls of many, and neither waits for a timer.
 */
export class WebhookInbox {
  readonly #db: Queryable;
  #waiting: Waiting[] = [];
  #isStoring = false;

  /** @param db acts as app_service */
  constructor(db: Queryable) {
    this.#db = db;
  }

  /** Resolves when it is stored, now or by an earlier delivery. Rejects with what Postgres says. */
  receive(webhook: Webhook): Promise<void> {
    return new Promise((stored, failed) => {
      this.#waiting.push({ webhook, stored: () => stored(), failed });
      if (!this.#isStoring) void this.#storeAll();
    });
  }

  async #storeAll(): Promise<void> {
    this.#isStoring = true;
    while (this.#waiting.length > 0) await this.#store(this.#waiting.splice(0, BATCH));
    this.#isStoring = false;
  }

  async #store(batch: Waiting[]): Promise<void> {
    try {
      await receiveWebhooks(
        this.#db,
        batch.map(({ webhook }) => webhook),
      );
      for (const { stored } of batch) stored();
    } catch (error) {
      const [only] = batch;
      if (only !== undefined && batch.length === 1) only.failed(error);
      // Should one be to blame, the others must not pay for it.
      else for (const one of batch) await this.#store([one]);
    }
  }
}

/**
 * Hashes bodies with a key of their own, derived from the encryption key: a hash tells whether two bodies are the same one,
 * and to nobody without the key what was in them.
 */
export function bodyHasher({ current }: Keyring): (body: Buffer) => Buffer {
  // As a KeyObject: from bytes, the key would be made anew for each body, which takes several times as long (measured).
  const key = createSecretKey(Buffer.from(hkdfSync("sha256", current.key, "", "tidemark webhook body", 32)));
  return (body) => createHmac("sha256", key).update(body).digest();
}
