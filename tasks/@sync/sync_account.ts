import type { SavedPage } from "../../db/queries/pages.ts";
import type { Lease, Written } from "../../db/queries/runs.ts";
import { DatabaseFailure, databaseCall } from "./database_failure.ts";
import { DeferredRows } from "./deferred_rows.ts";
import { LeaseLostError } from "./lease_lost.ts";
import type { LeasedAccount, Platform, PlatformState, SyncContext, SyncFailure, SyncStep } from "./platform.ts";
import { RunTally } from "./run_tally.ts";
import type { RunVerbs } from "./run_verbs.ts";
import { RunWaitError } from "./run_wait.ts";

/** How a run ended, for the log. `lost`: somebody else took the account over; this run wrote nothing after that. */
export type SyncOutcome =
  | { kind: "success"; tally: RunTally }
  | { kind: "suspended"; until: string }
  | { kind: "failed"; failure: SyncFailure; tally: RunTally; error: unknown }
  | { kind: "lost" };

export type SyncDependencies = {
  verbs: Pick<RunVerbs, "save" | "finish" | "fail" | "suspend">;
  platform: Platform;
  context: SyncContext & {
    /** Requests sent so far in this run. */
    requests(): number;
    /** Aborted with the reason when the worker itself is stopping: the run is then interrupted, not failed. */
    stopping: AbortSignal;
  };
};

/**
 * Runs one account whose lease is held: the platform tells what it sees, step by step, and each step is written down
 * before the next is taken; the next page may be on its way meanwhile (read_window.ts). Nothing is written without the
 * lease, and no transaction is open while the provider is asked.
 *
 * Failures of the provider become a recorded failure and a normal return. What it throws is a failure of ours (the
 * database went away, a bug): the worker's own retry, and the heartbeat, deal with that.
 */
export async function syncAccount(account: LeasedAccount, deps: SyncDependencies): Promise<SyncOutcome> {
  const run = new Run(account, deps);
  const givenUp = new AbortController();
  const signal = AbortSignal.any([deps.context.signal, givenUp.signal]);
  try {
    for await (const step of deps.platform.sync(account, { ...deps.context, signal })) {
      const suspended = await run.take(step).catch((error: unknown) => {
        // Before the platform is ended, which waits for what is on its way.
        givenUp.abort(error);
        throw error;
      });
      if (suspended !== null) return { kind: "suspended", until: suspended };
    }
    await run.finish();
    return { kind: "success", tally: run.tally };
  } catch (error) {
    if (error instanceof LeaseLostError) return { kind: "lost" };
    const refusal = refusedByDatabase(error);
    if (error instanceof DatabaseFailure && refusal === null) throw error.cause;
    if (error instanceof RunWaitError) return run.waitFor(error.waitMs);
    if (run.hasRunTooLong()) return run.waitFor(0);
    const failure = refusal ?? (await run.failureOf(error));
    const written = await deps.verbs.fail({ ...run.lease, ...failure, state: run.state, log: run.log() });
    return wasLost(written) ? { kind: "lost" } : { kind: "failed", failure, tally: run.tally, error };
  }
}

/**
 * A page whose values Postgres itself refuses (class 22 or 23) will be refused again: recorded, it has its backoff;
 * thrown, it would be taken back as interrupted and asked for again at once, for ever. Null for everything else.
 */
function refusedByDatabase(error: unknown): SyncFailure | null {
  if (!(error instanceof DatabaseFailure) || !(error.cause instanceof Error) || !("code" in error.cause)) return null;
  const code = String(error.cause.code);
  if (!/^2[23]/.test(code)) return null;
  return {
    kind: "invalid_response",
    message: "The provider sent values that the database cannot take.",
    code: `sqlstate_${code}`,
    retryAt: null,
  };
}

const tooLong: SyncFailure = {
  kind: "transient",
  message: "The run took too long and did not get as far as one complete window.",
  code: "run_too_long",
  retryAt: null,
};

const interrupted: SyncFailure = {
  kind: "interrupted",
  message: "The worker is stopping; what was saved stays saved, and the account is due at once.",
  code: null,
  retryAt: null,
};

class Run {
  readonly tally = new RunTally();
  readonly lease: Lease;
  state: PlatformState | undefined;
  readonly #account: LeasedAccount;
  readonly #deps: SyncDependencies;
  readonly #deferred = new DeferredRows();
  #dataAsOf: string | undefined;
  #balance: { amount: string; asOf: string } | undefined;

  constructor(account: LeasedAccount, deps: SyncDependencies) {
    this.#account = account;
    this.#deps = deps;
    this.lease = { accountId: account.accountId, runId: account.runId, epoch: account.epoch };
  }

  log(): ReturnType<RunTally["toLog"]> {
    return this.tally.toLog(this.#deps.context.requests());
  }

  /**
   * The cap on a run's duration was reached. Where windows were completed meanwhile, the run only makes room: it goes on
   * under a new lease when others had their turn. A run that got nowhere in that time has failed.
   */
  hasRunTooLong(): boolean {
    const { signal, stopping } = this.#deps.context;
    return signal.aborted && !stopping.aborted && this.tally.completedWindows > 0;
  }

  /** What an error means: our own stop and our own cap are known here, the rest is for the platform to say. */
  failureOf(error: unknown): Promise<SyncFailure> {
    const { context, platform } = this.#deps;
    if (context.stopping.aborted) return Promise.resolve(interrupted);
    if (context.signal.aborted) return Promise.resolve(tooLong);
    return platform.explain(error, context);
  }

  /** Lets go of the account for so long; the run goes on from what is saved by then. */
  async waitFor(milliseconds: number): Promise<SyncOutcome> {
    const until = new Date(this.#deps.context.now().getTime() + milliseconds).toISOString();
    const state = this.state ?? this.#account.state;
    const written = await this.#deps.verbs.suspend({ ...this.lease, until, state });
    return wasLost(written) ? { kind: "lost" } : { kind: "suspended", until };
  }

  /** Writes one step down. Answers until when the run waits, when the step suspends it. */
  async take(step: SyncStep): Promise<string | null> {
    switch (step.kind) {
      case "page": {
        this.tally.sawPage(step);
        const deferred = await this.#save({
          source: step.window.source,
          page: step.page,
          from: step.window.from,
          to: step.window.to,
          rows: this.#deferred.withPage(step),
          complete: step.complete === null ? null : this.#completion(step.complete),
        });
        this.#deferred.hold(step, deferred);
        return null;
      }
      case "references":
        this.tally.sawRows(step.rows.length, step.refused);
        await this.#save({
          source: "collections",
          page: 1,
          from: null,
          to: null,
          rows: step.rows,
          complete: null,
          polled: step.polled,
        });
        return null;
      case "balance":
        if (step.currency === this.#account.currency) this.#balance = { amount: step.amount, asOf: step.asOf };
        return null;
      case "data_as_of":
        this.#dataAsOf = step.asOf;
        return null;
      case "state":
        this.state = step.state;
        return null;
      case "suspend": {
        const { until, state } = step;
        await this.#verb(() => this.#deps.verbs.suspend({ ...this.lease, until, state }));
        return until;
      }
    }
  }

  async finish(): Promise<void> {
    await this.#verb(() =>
      this.#deps.verbs.finish({
        ...this.lease,
        state: this.state,
        dataAsOf: this.#dataAsOf,
        balance: this.#balance?.amount,
        balanceAsOf: this.#balance?.asOf,
        log: this.log(),
      }),
    );
  }

  /** A page that claims to be complete settles nothing before the provider said what moment its data speaks for. */
  #completion(complete: { ids: string[]; settles: boolean }): SavedPage["complete"] {
    return {
      ids: complete.ids,
      settles: complete.settles && this.#dataAsOf !== undefined,
      asOf: this.#dataAsOf ?? this.#deps.context.now().toISOString(),
    };
  }

  async #save(page: Omit<SavedPage, keyof Lease>): Promise<string[]> {
    const saved = await databaseCall(() => this.#deps.verbs.save({ ...this.lease, ...page }));
    if (saved.outcome === "lost") throw new LeaseLostError();
    this.tally.saved(saved);
    return saved.deferred;
  }

  async #verb(call: () => Promise<Written>): Promise<void> {
    if (wasLost(await databaseCall(call))) throw new LeaseLostError();
  }
}

const wasLost = ({ outcome }: Written): boolean => outcome === "lost";
