import Bottleneck from "bottleneck";
import type { Queryable } from "../../db/queryable.ts";
import { drawQuota } from "../../db/queries/quota.ts";
import type { PlatformSource } from "../../db/queries/runs.ts";
import { databaseCall } from "../@sync/database_failure.ts";
import { QuotaWaitError } from "./quota_wait.ts";

/** A request waits in this process for a slot or two; whatever takes longer waits in the database. */
const LONGEST_WAIT_MS = 2_000;

/** Bottleneck's priorities, 0 first. */
const FIRST = 3;
const BACKGROUND = 6;

/**
 * This process's share of one platform's quota. The limit is the provider's, so it is kept in Postgres, where all
 * processes draw from it (db/functions/draw_quota.sql); bottleneck spaces the share out over the slot it is good for,
 * people who wait before background work.
 */
export class QuotaGate {
  readonly #db: Queryable;
  readonly #platform: PlatformSource;
  readonly #longestWaitMs: number;
  #limiter = new Bottleneck({ reservoir: 0 });
  #waiting = { first: 0, background: 0 };
  #drawing: Promise<void> | undefined;
  /** Until when the permits at hand are good, by performance.now(). */
  #goodUntil = 0;
  /** Until when there is known to be no limit; asked again then, as one may be set or a 429 may block. */
  #freeUntil = 0;
  #wasFree = false;
  #asking: Promise<void> | undefined;

  constructor(db: Queryable, platform: PlatformSource, longestWaitMs = LONGEST_WAIT_MS) {
    this.#db = db;
    this.#platform = platform;
    this.#longestWaitMs = longestWaitMs;
  }

  /** Resolves when one request may be sent. Throws QuotaWaitError when that will take too long. */
  async permit(first: boolean): Promise<void> {
    const kind = first ? "first" : "background";
    this.#waiting[kind] += 1;
    try {
      for (;;) {
        // Without a limit there is nothing to space out, and bottleneck serves no more than some hundreds a second.
        if (performance.now() < this.#freeUntil) return;
        if (this.#wasFree) {
          this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
          await this.#asking;
          continue;
        }
        const waits = this.#limiter.schedule({ priority: first ? FIRST : BACKGROUND }, now);
        const drawn = (this.#drawing ??= this.#draw(this.#limiter));
        // A failed draw has dropped everybody who waits; what it failed of is told here. Who was served at that moment has no
        // use for it, and may have been the only one.
        drawn.catch(() => undefined);
        const grantedAt = await waits.catch((dropped: unknown) => drawn.then(() => Promise.reject(dropped)));
        if (grantedAt < this.#goodUntil) return;
        // Its slot ended between the permit and us: it is lost, like every permit at the end of its slot.
      }
    } finally {
      this.#waiting[kind] -= 1;
    }
  }

  /** Whether there still is no limit. If there is one now, what this drew is lost with its slot, and #draw draws anew. */
  async #ask(): Promise<void> {
    const { first, background } = this.#waiting;
    const wanted = Math.max(1, first + background);
    const share = await databaseCall(() => drawQuota(this.#db, this.#platform, wanted, first > 0));
    this.#noteFreedom(share, wanted);
  }

  /** More than was asked for is granted only where there is no limit: db/functions/draw_quota.sql. */
  #noteFreedom(share: { granted: number; spend_within_ms: number }, wanted: number): void {
    this.#wasFree = share.granted > wanted;
    // From now on, however long the answer took: no slot has begun or ends.
    if (this.#wasFree) this.#freeUntil = performance.now() + share.spend_within_ms;
  }

  /**
   * Draws shares for as long as somebody waits for this limiter. It stands down in the same turn in which it sees that nobody
   * waits, or gives its limiter up: who comes after that is not left waiting for a draw that has ended.
   */
  async #draw(limiter: Bottleneck): Promise<void> {
    try {
      for (;;) {
        const reservoir = (await limiter.currentReservoir()) ?? 0;
        // Counted after that answer: whoever was served meanwhile waits no longer, and a permit drawn for them would be held.
        const { RECEIVED, QUEUED } = limiter.counts();
        if (RECEIVED + QUEUED === 0) {
          this.#drawing = undefined;
          return;
        }
        const left = this.#goodUntil - performance.now();
        if (left > 0 && reservoir > 0) {
          await pause(Math.min(left, 5));
          continue;
        }
        const askedAt = performance.now();
        const { first, background } = this.#waiting;
        const wanted = Math.max(1, first + background);
        const share = await databaseCall(() => drawQuota(this.#db, this.#platform, wanted, first > 0));
        this.#noteFreedom(share, wanted);
        if (share.granted > 0) {
          // From the moment of asking: the answer was on its way for a part of the slot.
          this.#goodUntil = askedAt + share.spend_within_ms;
          limiter.updateSettings({ reservoir: share.granted });
          // Bottleneck serves those who wait in the second turn of its timers: this is the first, the question above the
          // second. They are served also when the slot has ended by then.
          await pause(1);
        } else if (share.wait_ms > this.#longestWaitMs) {
          throw new QuotaWaitError(share.wait_ms);
        } else {
          await pause(share.wait_ms);
        }
      }
    } catch (error) {
      this.#limiter = new Bottleneck({ reservoir: 0 });
      this.#drawing = undefined;
      await limiter.stop({ dropWaitingJobs: true });
      throw error;
    }
  }
}

const now = (): Promise<number> => Promise.resolve(performance.now());

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));
