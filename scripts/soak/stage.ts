import { join } from "node:path";
import { getTasks, runTaskListOnce } from "graphile-worker";
import type { Pool } from "pg";
import { parseEnvironment } from "../../db/environment.ts";
import { type Log, workerLogger } from "../../db/log.ts";
import { pgPool } from "../../db/pool.ts";
import { enqueueDueSyncs } from "../../db/queries/dispatch.ts";
import { trackReference } from "../../db/queries/links.ts";
import { platformSource } from "../../db/queries/runs.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { provideRuntime } from "../../tasks/@worker/current_runtime.ts";
import { createRuntime, type RunReport, type Runtime } from "../../tasks/@worker/runtime.ts";
import type { NewAccount } from "../simulators/mono/actions.ts";
import { type MonoSimulator, startMonoSimulator } from "../simulators/mono/simulator.ts";
import { type MomoSimulator, startMomoSimulator } from "../simulators/momo/simulator.ts";
import type { WalletOptions } from "../simulators/momo/wallet_controls.ts";

export type StageBank = { accountId: string; monoId: string };
export type StageWallet = { accountId: string; apiUser: string };

/**
 * The whole of Tidemark on one thread and one clock: both simulators, a migrated database, the real tasks. Time stands
 * still unless it is moved, and nothing happens unless `drain` is called, so a run of it can be repeated exactly.
 */
export type Stage = {
  mono: MonoSimulator;
  momo: MomoSimulator;
  runtime: Runtime;
  /** Acts as app_owner, to look at everything. */
  owner: Pool;
  /** As the login itself, which owns the database. */
  login: Pool;
  /** Every run since the stage was opened. */
  runs: RunReport[];
  now(): number;
  moveTo(moment: number): Promise<void>;
  advance(milliseconds: number): Promise<void>;
  /** Dispatches and runs what is due until nothing is left to do at this moment. Answers how many runs there were. */
  drain(): Promise<number>;
  /** Runs the jobs that are ready, and those that they add. */
  work(): Promise<void>;
  linkBank(
    settings: NewAccount,
    options?: { userId?: string; historyDays?: number; resume?: string; monoId?: string; institutionCode?: string },
  ): Promise<StageBank>;
  linkWallet(
    settings: WalletOptions,
    options?: { userId?: string; statement?: boolean; historyDays?: number },
  ): Promise<StageWallet>;
  track(wallet: StageWallet, referenceId: string): Promise<void>;
  close(): Promise<void>;
};

/** @param databaseUrl a migrated database that nobody else uses, by a login that may become app_owner */
export async function openStage(options: {
  databaseUrl: string;
  seed: string | number;
  startAt: number;
  log?: Log;
}): Promise<Stage> {
  const { databaseUrl, seed, startAt } = options;
  const log = options.log ?? unreadLog("info");
  let moment = startAt;
  const machineNow = (): number => moment;
  const owner = pgPool({ databaseUrl, role: "app_owner", max: 4, name: "tidemark stage" });
  const login = pgPool({ databaseUrl, max: 1, name: "tidemark stage" });
  const mono = await startMonoSimulator({ seed, now: machineNow });
  const momo = await startMomoSimulator({ seed, now: machineNow, rateLimit: null, statementRateLimit: null });
  const runs: RunReport[] = [];
  const runtime = await createRuntime({
    environment: parseEnvironment({
      DATABASE_URL: databaseUrl,
      TIDEMARK_ENCRYPTION_KEYS: `stage:${canarySecret("base64")}`,
      MONO_BASE_URL: mono.url,
      MONO_SECRET_KEY: mono.secretKey,
      MOMO_BASE_URL: momo.url,
      MOMO_SUBSCRIPTION_KEY: momo.subscriptionKeys[0],
      MADAPI_BASE_URL: momo.statementUrl,
    }),
    log,
    concurrency: 4,
    machineNow,
    onRun: (report) => runs.push(report),
  });
  provideRuntime(runtime);
  const logger = workerLogger(log);
  const { tasks } = await getTasks({ logger }, join(import.meta.dirname, "../../tasks"));

  const stage: Stage = {
    mono,
    momo,
    runtime,
    owner,
    login,
    runs,
    now: () => moment,
    async moveTo(to) {
      moment = to;
      // No offset: both clocks read ours, but their listeners must hear that time has passed.
      mono.moveClock({ offsetMs: 0 });
      await momo.moveClock({ offsetMs: 0 });
      await owner.query("select app_private.set_clock($1, true)", [new Date(to).toISOString()]);
    },
    advance: (milliseconds) => stage.moveTo(moment + milliseconds),
    async drain() {
      const before = runs.length;
      for (;;) {
        const begun = runs.length;
        let enqueued = 0;
        for (const platform of platformSource.options) enqueued += await enqueueDueSyncs(runtime.db, platform, 1000);
        await stage.work();
        if (enqueued === 0 && runs.length === begun) return runs.length - before;
      }
    },
    async work() {
      const client = await runtime.db.connect();
      try {
        await runTaskListOnce({ logger, noHandleSignals: true }, tasks, client).promise;
      } finally {
        client.release();
      }
    },
    async linkBank(settings, { userId = USER, historyDays, resume, monoId: existing, institutionCode } = {}) {
      const monoId = existing ?? mono.createAccount(settings);
      const { accountId } = await linkNewAccount(runtime.db, runtime.keyring, {
        userId,
        platform: "mono",
        accountName: `bank ${monoId}`,
        currency: settings.currency ?? "NGN",
        externalId: monoId,
        historyDays,
        resume,
        institutionCode,
      });
      return { accountId, monoId };
    },
    async linkWallet(settings, { userId = USER, statement = false, historyDays } = {}) {
      const wallet = momo.createWallet(settings);
      const { accountId } = await linkNewAccount(runtime.db, runtime.keyring, {
        userId,
        platform: "mtn_momo",
        accountName: `wallet ${wallet.apiUser}`,
        currency: wallet.currency,
        externalId: wallet.apiUser,
        baseUrl: wallet.baseUrl,
        targetEnvironment: wallet.targetEnvironment,
        timeZone: "Etc/UTC",
        historyDays,
        statement,
        credentials: {
          momo_api_key: wallet.apiKey,
          momo_subscription_key: wallet.subscriptionKey,
          ...(statement
            ? {
                madapi_client_id: wallet.statement.clientId,
                madapi_client_secret: wallet.statement.clientSecret,
                madapi_api_key: wallet.statement.apiKey,
                msisdn: wallet.msisdn,
              }
            : {}),
        },
      });
      return { accountId, apiUser: wallet.apiUser };
    },
    async track({ accountId }, referenceId) {
      await trackReference(runtime.db, { accountId, referenceId });
    },
    async close() {
      provideRuntime(undefined);
      await runtime.close();
      await mono.close();
      await momo.close();
      await owner.end();
      await login.end();
    },
  };
  // Quotas go by machine time, which a stage does not wait for.
  await owner.query("update app_private.quotas set requests = null");
  await stage.moveTo(startAt);
  return stage;
}

const USER = "d0000000-0000-4000-8000-000000000001";
