import type { Pool } from "pg";
import type { Environment } from "../../db/environment.ts";
import type { Log } from "../../db/log.ts";
import { pgPool } from "../../db/pool.ts";
import type { PlatformSource } from "../../db/queries/runs.ts";
import { type Keyring, parseKeyring } from "../@credentials/keyring.ts";
import { proveKeyring } from "../@credentials/prove_keyring.ts";
import { Metrics } from "../@metrics/metrics.ts";
import { type DeepLinks, openDeepLinks } from "../@deep_links/deep_links.ts";
import { type Channels, createChannels } from "../@notifications/channels.ts";
import { createPlatforms, type PlatformSetup } from "../@providers/platforms.ts";
import { QuotaGate } from "../@quota/quota_gate.ts";
import { KeyRenewals } from "../@sync/key_renewals.ts";
import { coalescedVerbs, type RunVerbs } from "../@sync/run_verbs.ts";
import type { SyncOutcome } from "../@sync/sync_account.ts";
import { WalletTokens } from "../@sync/wallet_tokens.ts";
import { Heartbeats } from "./heartbeats.ts";
import { poolSize } from "./pool_size.ts";

/** A run that ended or was suspended, as `npm start` shows it. */
export type RunReport = {
  platform: PlatformSource;
  accountId: string;
  runId: string;
  milliseconds: number;
  outcome: SyncOutcome;
};

/** All that the tasks of one process share. */
export type Runtime = {
  /** Acts as app_worker: it executes verbs and reads no table. */
  db: Pool;
  /** Shared by all runs of the process, so that those of one moment share their calls. */
  verbs: RunVerbs;
  keyring: Keyring;
  /** The platforms that have keys; the others are off. */
  platforms: ReadonlyMap<PlatformSource, PlatformSetup>;
  tokens: WalletTokens;
  keyRenewals: KeyRenewals;
  /** This process's share of each platform's quota. */
  quotas: ReadonlyMap<PlatformSource, QuotaGate>;
  /** The ways to push. */
  channels: Channels;
  /** Makes the links that notifications carry. */
  links: () => Promise<DeepLinks>;
  metrics: Metrics;
  heartbeats: Pick<Heartbeats, "working" | "register" | "stop">;
  log: Log;
  /** Milliseconds since 1970; a test that must be repeatable stops it together with the database's clock. */
  machineNow: () => number;
  /** Told of every run, for a screen; the log tells it as well. */
  onRun?: (report: RunReport) => void;
  close(): Promise<void>;
};

/** What a process cannot work without, in a sentence for the operator. */
export class SetUpError extends Error {
  override readonly name = "SetUpError";
}

/**
 * Makes what the tasks need, and proves it: the encryption keys are those of this database, or the process refuses to
 * start. Throws SetUpError, CredentialError, InsecureUrlError, and whatever Postgres says.
 */
export async function createRuntime(options: {
  environment: Environment;
  log: Log;
  /** Jobs at once, all runners together; the pool has a few connections more. */
  concurrency: number;
  machineNow?: () => number;
  /** How long one request to a provider may take; each client has its own deadlines unless told. */
  deadlineMs?: number | undefined;
  onRun?: (report: RunReport) => void;
}): Promise<Runtime> {
  const { environment, log, concurrency } = options;
  if (environment.DATABASE_URL === undefined) {
    throw new SetUpError("DATABASE_URL is not set: a worker needs to know its database.");
  }
  if (environment.TIDEMARK_ENCRYPTION_KEYS === undefined) {
    throw new SetUpError("TIDEMARK_ENCRYPTION_KEYS is not set: credentials could be neither sealed nor opened.");
  }
  const keyring = parseKeyring(environment.TIDEMARK_ENCRYPTION_KEYS);
  const db = pgPool({
    databaseUrl: environment.DATABASE_URL,
    role: "app_worker",
    max: poolSize(concurrency),
    name: "tidemark worker",
  });
  try {
    await proveKeyring(db, keyring);
    const platforms = createPlatforms(environment, { deadlineMs: options.deadlineMs });
    const channels = createChannels(environment, db, { deadlineMs: options.deadlineMs });
    const metrics = new Metrics(options.machineNow === undefined ? {} : { now: options.machineNow });
    metrics.readFrom(db, log);
    const heartbeats = new Heartbeats(db, log, { metrics });
    return {
      db,
      verbs: coalescedVerbs(db),
      keyring,
      platforms,
      tokens: new WalletTokens(db, keyring),
      keyRenewals: new KeyRenewals(db, keyring),
      quotas: new Map([...platforms.keys()].map((platform) => [platform, new QuotaGate(db, platform)])),
      channels,
      links: untilItSucceeds(() => openDeepLinks(db, keyring, environment)),
      metrics,
      heartbeats,
      log,
      machineNow: options.machineNow ?? Date.now,
      ...(options.onRun === undefined ? {} : { onRun: options.onRun }),
      async close() {
        try {
          await heartbeats.stop();
        } finally {
          for (const { platform } of platforms.values()) await platform.close();
          await channels.close();
          await db.end();
        }
      },
    };
  } catch (error) {
    await db.end();
    throw error;
  }
}

/** Made once, when it is first needed; what failed is tried again by whoever needs it next. */
function untilItSucceeds<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return async () => {
    made ??= make();
    try {
      return await made;
    } catch (error) {
      made = undefined;
      throw error;
    }
  };
}
