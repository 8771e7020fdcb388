/** The provider's quota has no room for a while: the run is suspended and goes on then. */
export class QuotaWaitError extends Error {
  override readonly name = "QuotaWaitError";
  /** Milliseconds from now on. */
  readonly waitMs: number;

  constructor(waitMs: number) {
    super(`the quota has no room for another ${Math.ceil(waitMs)} ms`);
    this.waitMs = waitMs;
  }
}
