/** Somebody else holds the account now: whatever this run still does would be refused, so it stops. */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";

  constructor() {
    super("the lease of this run is no longer held");
  }
}
