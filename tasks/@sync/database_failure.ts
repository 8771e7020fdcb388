/**
 * Tells an error of our own database from one of the provider while both travel through the same loop: ours is the
 * worker's to retry and the heartbeat's to mend, and says nothing about the account.
 */
export class DatabaseFailure extends Error {
  override readonly name = "DatabaseFailure";

  constructor(cause: unknown) {
    super("a verb failed", { cause });
  }
}

/** Runs a verb; what it throws becomes a DatabaseFailure. */
export async function databaseCall<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw new DatabaseFailure(error);
  }
}
