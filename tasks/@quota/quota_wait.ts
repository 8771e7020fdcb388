import { RunWaitError } from "../@sync/run_wait.ts";

/** The provider's quota has no room for a while: the run is suspended and goes on then. */
export class QuotaWaitError extends RunWaitError {
  override readonly name = "QuotaWaitError";

  constructor(waitMs: number) {
    super(`the quota has no room for another ${Math.ceil(waitMs)} ms`, waitMs);
  }
}
