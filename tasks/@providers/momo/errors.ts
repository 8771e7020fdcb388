import type { ProviderError } from "../../@http/errors.ts";

/** What a wallet needs before anything can be asked in its name is not there, or means nothing to MTN. */
export class MomoSetupError extends Error {
  override readonly name = "MomoSetupError";
  /** What is missing, in words that hold no value of it. */
  readonly missing: string;

  constructor(missing: string) {
    super(`the wallet's set-up lacks ${missing}`);
    this.missing = missing;
  }
}

/** MTN's gateway does not let a subscription key through. Whose key it is decides who has to act. */
export class MomoSubscriptionKeyError extends Error {
  override readonly name = "MomoSubscriptionKeyError";
  /** True for the app's own key, from its environment; false for one that the wallet's owner brought. */
  readonly isOurs: boolean;
  readonly refusal: ProviderError;

  constructor(isOurs: boolean, refusal: ProviderError) {
    super(`${isOurs ? "our" : "the wallet's own"} subscription key was refused`, { cause: refusal });
    this.isOurs = isOurs;
    this.refusal = refusal;
  }
}
