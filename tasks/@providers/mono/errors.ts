import type { DataStatus } from "./schemas.ts";

/** The bank wants the user's consent renewed: the refresh failed, and Mono says that this is why. */
export class MonoReauthorisationError extends Error {
  override readonly name = "MonoReauthorisationError";

  constructor() {
    super("the refresh failed: the user's consent must be renewed");
  }
}

/** The refresh failed for a reason that Mono does not tell: trouble at the bank, as a rule. */
export class MonoRefreshFailedError extends Error {
  override readonly name = "MonoRefreshFailedError";
  readonly dataStatus: DataStatus;

  constructor(dataStatus: DataStatus) {
    super(`the refresh failed; data status ${dataStatus}`);
    this.dataStatus = dataStatus;
  }
}
