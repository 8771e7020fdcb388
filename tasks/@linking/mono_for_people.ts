import type { Queryable } from "../../db/queryable.ts";
import { teachQuota } from "../../db/queries/quota.ts";
import type { Call } from "../@http/client.ts";
import { ProviderError } from "../@http/errors.ts";
import { parseRetryAfter } from "../@http/retry_after.ts";
import type { MonoClient } from "../@providers/mono/client.ts";
import { QuotaGate } from "../@quota/quota_gate.ts";
import { QuotaWaitError } from "../@quota/quota_wait.ts";

/** The provider takes no more requests for a while, by our own count of its limit or by its word. */
export class ProviderBusyError extends Error {
  override readonly name = "ProviderBusyError";
  readonly code = "PRVBS";
  /** Whole seconds from now on. */
  readonly retryAfterSeconds: number;

  constructor(seconds: number, options: ErrorOptions) {
    const whole = Math.max(1, Math.ceil(seconds));
    super(`Mono is being asked for a lot just now; try again in ${whole} second${whole === 1 ? "" : "s"}.`, options);
    this.retryAfterSeconds = whole;
  }
}

/** Longer than Mono takes, shorter than a person or their browser waits. */
const PATIENCE_MS = 20_000;

/**
 * Mono, asked for somebody who waits: by those who link an account or renew a consent. Each request draws from the quota that
 * syncs draw from, its reserve included, and a 429 teaches it; there is no way to ask that does not.
 */
export class MonoForPeople {
  readonly #client: MonoClient;
  readonly #db: Queryable;
  readonly #quota: QuotaGate;
  readonly #patienceMs: number;
  readonly #isWaitedFor: boolean;

  /**
   * @param options.db acts as app_service or app_worker
   * @param options.isWaitedFor false for one of thousands of questions, of which each can wait: what the quota keeps for
   * people is not for them
   */
  constructor(options: { client: MonoClient; db: Queryable; patienceMs?: number; isWaitedFor?: boolean }) {
    this.#client = options.client;
    this.#db = options.db;
    this.#quota = new QuotaGate(options.db, "mono");
    this.#patienceMs = options.patienceMs ?? PATIENCE_MS;
    this.#isWaitedFor = options.isWaitedFor ?? true;
  }

  /**
   * One question, of as many requests as it takes.
   *
   * @throws ProviderBusyError, and what MonoClient throws
   */
  async ask<T>(question: (client: MonoClient, by: Call) => Promise<T>): Promise<T> {
    const signal = AbortSignal.timeout(this.#patienceMs);
    try {
      return await question(this.#client, { signal, permit: () => this.#permit(signal) });
    } catch (error) {
      if (error instanceof QuotaWaitError) throw new ProviderBusyError(error.waitMs / 1000, { cause: error });
      if (!(error instanceof ProviderError) || error.status !== 429) throw error;
      const seconds = parseRetryAfter(error.retryAfter, new Date()) ?? 1;
      await teachQuota(this.#db, "mono", seconds);
      throw new ProviderBusyError(seconds, { cause: error });
    }
  }

  /** In a crowd a permit may be long in coming, though every slot has some. */
  async #permit(signal: AbortSignal): Promise<void> {
    const tooLong = Promise.withResolvers<never>();
    const giveUp = (): void => tooLong.reject(new QuotaWaitError(1000));
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      await Promise.race([this.#quota.permit(this.#isWaitedFor), tooLong.promise]);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }
}
