/**
 * A sliding-window limit that remembers every breach. Unlike a fixed window it cannot be fooled by a burst at the
 * seam of two windows, so "no breach" means: in no stretch of `windowMs` did more than `limit` requests arrive.
 */

export type RateLimit = {
  limit: number;
  windowMs: number;
};

export type RateLimitAnswer =
  { allowed: true } | { allowed: false; /** Until the oldest one leaves. */ retryAfterMs: number };

export class SlidingWindowLimiter {
  /** Moments of the allowed requests still inside the window, oldest first. */
  #arrivals: number[] = [];
  #limit: RateLimit | null;
  #breaches = 0;

  /** @param limit null allows everything. */
  constructor(limit: RateLimit | null) {
    this.#limit = limit;
  }

  /** Requests that arrived when the window was already full, since the start. */
  get breaches(): number {
    return this.#breaches;
  }

  get limit(): RateLimit | null {
    return this.#limit;
  }

  /** Another limit from now on; breaches and the arrivals inside the window stay. */
  configure(limit: RateLimit | null): void {
    this.#limit = limit;
  }

  /** A refused request is a breach and does not fill the window further. */
  take(now: number): RateLimitAnswer {
    if (this.#limit === null) return { allowed: true };
    const { limit, windowMs } = this.#limit;
    // A virtual clock may be set back; arrivals "in the future" would otherwise block until it catches up.
    this.#arrivals = this.#arrivals.filter((at) => at > now - windowMs && at <= now);
    const leaves = this.#arrivals[this.#arrivals.length - limit];
    if (this.#arrivals.length >= limit) {
      this.#breaches += 1;
      return { allowed: false, retryAfterMs: leaves === undefined ? windowMs : leaves + windowMs - now };
    }
    this.#arrivals.push(now);
    return { allowed: true };
  }
}
