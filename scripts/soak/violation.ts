/** What a soak holds Tidemark to. Each has one name, by which a planted bug must be caught. */
export type Invariant =
  /** A transaction of the provider's is not in the table when all is quiet. */
  | "missing"
  /** A transaction is in the table that the provider does not have, or has once only. */
  | "duplicated"
  /** A transaction differs from the provider's in some field. */
  | "different"
  /** A day counts as complete that is not. */
  | "coverage"
  /** Two holders of one account at once, or a run taken from its holder without a new epoch. */
  | "double_run"
  /** Something was written for an account by a run that did not hold it. */
  | "fence"
  /** A run that was closed was written again. */
  | "closed_run"
  /** last_synced_at moved without a run that succeeded in the same transaction. */
  | "last_synced_at"
  /** A run counts as a success although the provider refused one of its requests. */
  | "honesty"
  /** An account did not come back when the faults ended. */
  | "stuck"
  /** A job is locked by a worker that is dead. */
  | "locked_job"
  /** The accounts of a killed worker did not run again in time. */
  | "recovery"
  /** The provider saw more requests than its limit allows. */
  | "limit"
  /** A worker ended that nobody had ended. */
  | "worker"
  /** A worker that was told to stop had not ended in time. */
  | "stop"
  /** A secret, an account number or a phone number is stored where none is meant to be. */
  | "leak"
  /** The simulator itself is wrong: nothing can be concluded. */
  | "simulator";

export type Violation = {
  invariant: Invariant;
  /** Null where it is about no account in particular. */
  accountId: string | null;
  /** One sentence: what was expected and what was found. */
  detail: string;
  /** The last runs and requests of the account, oldest first. */
  ledTo?: string[];
};
