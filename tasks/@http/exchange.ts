/** What became of one request to a provider, for whoever counts and logs it. Holds nothing of what was sent or answered. */
export type Exchange = {
  /** Which call it was, such as `transactions`: fixed words of ours, never an address. */
  operation: string;
  /** The answer's status, or why there was none. */
  status: number | "timeout" | "unreachable" | "broken" | "aborted" | "too_large";
  milliseconds: number;
};
