import { setTimeout as pause } from "node:timers/promises";
import type { Begun, PlatformSource } from "../../db/queries/runs.ts";
import { type Log, logAbout } from "../../db/log.ts";
import type { Exchange } from "../@http/exchange.ts";
import { CredentialError } from "../@credentials/credential_error.ts";
import type { PlatformSetup } from "../@providers/platforms.ts";
import { leaseAccount } from "../@sync/lease_account.ts";
import type { LeasedAccount } from "../@sync/platform.ts";
import { syncAccount, type SyncOutcome } from "../@sync/sync_account.ts";
import type { SyncPayload } from "./payloads.ts";
import type { Runtime } from "./runtime.ts";

/** One run may last this long; then it fails and is tried again, from where its saved windows end. */
const LONGEST_RUN_MS = 10 * 60_000;

/** The account's row stayed locked: worth the worker's own retry, a few seconds later. */
export class AccountBusyError extends Error {
  override readonly name = "AccountBusyError";

  constructor() {
    super("somebody held the account's row for a second and a half");
  }
}

/**
 * Runs the account of one job, if it is to be run: opens or resumes its run, drives it, and tells how it ended. Whatever
 * cannot be run (no such account, another platform's, paused, stale) ends the job at once with a logged reason.
 *
 * @param stopping aborted when the worker is stopping: the run is handed back as interrupted
 */
export async function runSync(
  runtime: Runtime,
  platform: PlatformSource,
  payload: SyncPayload,
  job: { id?: string; worker: string; stopping: AbortSignal },
): Promise<void> {
  const { accountId, runId } = payload;
  const log = logAbout(runtime.log, { accountId, platform, jobId: job.id, dispatchId: payload.dispatchId });
  const setup = runtime.platforms.get(platform);
  if (setup === undefined) {
    log.warn("job ended: this platform is off, because this process has no keys for it");
    return;
  }
  const leave = runtime.verbs.enter();
  let done: (() => void) | undefined;
  try {
    done = await runtime.heartbeats.working(job.worker, platform, accountId);
    const beginner = { platform, worker: job.worker };
    const trigger = payload.trigger ?? (payload.dueAt === undefined ? "manual" : "schedule");
    const begun = await onceFree(
      () =>
        runId === undefined
          ? runtime.verbs.begin({ ...beginner, accountId, dueAt: payload.dueAt, trigger })
          : runtime.verbs.resume({ ...beginner, accountId, runId }),
      job.stopping,
    );
    if (begun.outcome === "begun") {
      const about = logAbout(log, { runId: begun.details.runId });
      await drive(runtime, setup, begun, { log: about, resumed: runId !== undefined, stopping: job.stopping });
    } else refuse(log, begun.outcome);
  } finally {
    done?.();
    leave();
  }
}

/**
 * How long to wait before a row that was locked is asked for again. A dispatcher or another run holds it for milliseconds, and the
 * worker's own retry would never come where a dispatcher gave the job's key to a new one meanwhile: the job would be dead.
 */
const BUSY_PAUSES_MS = [50, 100, 200, 400, 800];

/** What `ask` answers once nobody holds the account's row, or at last; when we are stopping, its next answer. */
export async function onceFree<Answer extends { outcome: string }>(
  ask: () => Promise<Answer>,
  stopping: AbortSignal,
): Promise<Answer> {
  for (const milliseconds of BUSY_PAUSES_MS) {
    const answer = await ask();
    if (answer.outcome !== "busy") return answer;
    // It rejects when it is aborted, which ends the waiting only.
    await pause(milliseconds, undefined, { signal: stopping }).catch(() => {});
    if (stopping.aborted) break;
  }
  return ask();
}

type Refusal = Exclude<Begun["outcome"], "begun">;

function refuse(log: Log, outcome: Refusal): void {
  switch (outcome) {
    case "busy":
      throw new AccountBusyError();
    case "not_found":
    case "unlinked":
    case "wrong_platform":
      log.warn({ outcome }, "job ended: %s", REASONS[outcome]);
      return;
    case "paused":
    case "provider_down":
    case "running":
    case "stale":
      log.debug({ outcome }, "job ended: %s", REASONS[outcome]);
  }
}

const REASONS: Record<Exclude<Refusal, "busy">, string> = {
  not_found: "there is no such account",
  unlinked: "the account was unlinked",
  wrong_platform: "the account belongs to another platform than this task",
  paused: "the account, or its platform, is paused",
  provider_down: "the institution or the platform is down, and another account probes it",
  running: "another run of this account is open",
  stale: "this work was done already",
};

async function drive(
  runtime: Runtime,
  { platform, baseUrl }: PlatformSetup,
  begun: Extract<Begun, { outcome: "begun" }>,
  { log, resumed, stopping }: { log: Log; resumed: boolean; stopping: AbortSignal },
): Promise<void> {
  const startedAt = runtime.machineNow();
  const { details } = begun;
  log.debug({ resumed }, "run begins");
  // Business time goes on at the pace of machine time, from where the database's clock stood.
  const offset = Date.parse(details.now) - startedAt;
  const now = () => new Date(runtime.machineNow() + offset);

  const account = await openCredentials(runtime, details, resumed, baseUrl);
  if (account === null) {
    log.error("run failed: a credential could not be opened with the keys of this process");
    return;
  }
  let requests = 0;
  const outcome = await syncAccount(account, {
    verbs: runtime.verbs,
    platform,
    context: {
      now,
      signal: AbortSignal.any([stopping, AbortSignal.timeout(LONGEST_RUN_MS)]),
      stopping,
      tokens: runtime.tokens.of(account, now),
      renewKey: runtime.keyRenewals.of(account, (renewed) => log.info(renewed, "the wallet's refused key was renewed")),
      permit: async () => {
        await runtime.quotas.get(details.platform)?.permit(details.first);
        requests += 1;
      },
      told: (exchange) => {
        runtime.metrics.providerAnswered(details.platform, exchange);
        tellCall(log, exchange);
      },
      requests: () => requests,
    },
  });
  const milliseconds = runtime.machineNow() - startedAt;
  runtime.metrics.runEnded(details.platform, outcome, milliseconds);
  tell(log, outcome, milliseconds, requests);
  runtime.onRun?.({
    platform: details.platform,
    accountId: details.accountId,
    runId: details.runId,
    milliseconds,
    outcome,
  });
}

/** Null where a credential does not open: the run is closed, and tried again with backoff. */
async function openCredentials(
  runtime: Runtime,
  details: Extract<Begun, { outcome: "begun" }>["details"],
  resumed: boolean,
  baseUrl: string,
): Promise<LeasedAccount | null> {
  try {
    return leaseAccount(details, { keyring: runtime.keyring, resumed, baseUrl });
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    await runtime.verbs.fail({
      accountId: details.accountId,
      runId: details.runId,
      epoch: details.epoch,
      // Of this account alone: with wrong keys the process would not have started. So the platform is not paused.
      kind: "transient",
      message: "A credential of this account cannot be opened with our encryption keys.",
      code: "CREDX",
      retryAt: null,
      log: { pages: 0, seen: 0, unchanged: 0, refusals: {}, windows: [], requests: 0 },
    });
    return null;
  }
}

/** Each call to a provider, under its run's id: which call, how it ended, how long it took; nothing of what was said. */
function tellCall(log: Log, { operation, status, milliseconds }: Exchange): void {
  log.info({ call: operation, status, duration_ms: Math.round(milliseconds) }, "provider called");
}

function tell(log: Log, outcome: SyncOutcome, milliseconds: number, requests: number): void {
  switch (outcome.kind) {
    case "success": {
      const { fresh, changed, removed, unchanged } = outcome.tally;
      log.info({ duration_ms: milliseconds, requests, new: fresh, changed, removed, unchanged }, "run succeeded");
      return;
    }
    case "suspended":
      log.info({ duration_ms: milliseconds, requests, until: outcome.until }, "run waits for the provider");
      return;
    case "failed": {
      const { kind, message, code } = outcome.failure;
      log.warn(
        { duration_ms: milliseconds, requests, failure_kind: kind, code, err: outcome.error },
        "run failed: %s",
        message,
      );
      return;
    }
    case "lost":
      log.warn({ duration_ms: milliseconds }, "run given up: its lease is held by somebody else");
  }
}
