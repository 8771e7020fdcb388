import { randomUUID } from "node:crypto";
import type { ExecutionContext } from "ava";
import { runOnce } from "graphile-worker";
import type { Client } from "pg";
import { z } from "zod";
import { createLog, type Log, workerLogger } from "../../../db/log.ts";
import { type PlatformSource, platformSource } from "../../../db/queries/runs.ts";
import { rowOf, rowsOf } from "../../../db/testing/ask.ts";
import { canarySecret } from "../../../db/testing/canaries/catalogue.ts";
import { type ClonedDb, withClonedDb } from "../../../db/testing/database.ts";
import { type Keyring, parseKeyring } from "../../@credentials/keyring.ts";
import { openDeepLinks } from "../../@deep_links/deep_links.ts";
import { linkNewAccount, type NewLink } from "../../@linking/link_new_account.ts";
import { Metrics } from "../../@metrics/metrics.ts";
import type { Channels } from "../../@notifications/channels.ts";
import type { Platform } from "../../@sync/platform.ts";
import { KeyRenewals } from "../../@sync/key_renewals.ts";
import { coalescedVerbs } from "../../@sync/run_verbs.ts";
import { WalletTokens } from "../../@sync/wallet_tokens.ts";
import { completion } from "../completion.ts";
import { provideRuntime } from "../current_runtime.ts";
import { Heartbeats } from "../heartbeats.ts";
import { platformTasks } from "../runners.ts";
import type { RunReport, Runtime } from "../runtime.ts";
import { syncTask } from "../sync_task.ts";

const logLine = z.looseObject({ level: z.string(), msg: z.string().optional() });

/** A worker's surroundings on a real Postgres: everything but the provider is the real thing. */
export type Workplace = {
  cloned: ClonedDb;
  runtime: Runtime;
  /** Past RLS: arranges, and looks at what happened. */
  owner: Client;
  reports: RunReport[];
  /** What was logged, oldest first. */
  lines: z.infer<typeof logLine>[];
  /** Links an account, which adds its first job, and answers its id. */
  link: (link?: Partial<NewLink>) => Promise<string>;
  addJob: (task: string, payload: unknown) => Promise<void>;
  /** Runs every job that is ready, each once. */
  runJobs: () => Promise<void>;
  /** Jobs that are left, ready or not. */
  jobs: () => Promise<Record<string, unknown>[]>;
  /** The account's runs, oldest first. */
  logs: (accountId: string) => Promise<Record<string, unknown>[]>;
  /** The account with its machinery, and whether it is due. */
  account: (accountId: string) => Promise<Record<string, unknown>>;
  /** Moves business time by seconds. */
  pass: (seconds: number) => Promise<void>;
};

/** A platform that does what the test says; unless told otherwise, what it throws is a transient failure. */
export function fakePlatform(
  sync: Platform["sync"],
  explain: Platform["explain"] = (thrown) =>
    Promise.resolve({ kind: "transient", message: "It broke.", code: String(thrown), retryAt: null }),
): Omit<Platform, "name"> {
  return { sync, explain, close: () => Promise.resolve() };
}

/** Runs the test at a workplace of its own, where these platforms are on. Tests of one file take turns: use test.serial. */
export function atWorkplace(
  platforms: Partial<Record<PlatformSource, Omit<Platform, "name">>>,
  body: (t: ExecutionContext, workplace: Workplace) => Promise<void>,
): (t: ExecutionContext) => Promise<void> {
  return withClonedDb(async (t, cloned) => {
    const workplace = await open(cloned, platforms);
    provideRuntime(workplace.runtime);
    try {
      await body(t, workplace);
    } finally {
      provideRuntime(undefined);
      await workplace.runtime.close();
    }
  });
}

export const newKeyring = (): Keyring => parseKeyring(`test:${canarySecret("base64")}`);

async function open(
  cloned: ClonedDb,
  platforms: Partial<Record<PlatformSource, Omit<Platform, "name">>>,
): Promise<Workplace> {
  const lines: Workplace["lines"] = [];
  const reports: RunReport[] = [];
  const log = createLog({
    level: "debug",
    destination: { write: (line) => void lines.push(logLine.parse(JSON.parse(line))) },
  });
  const owner = await cloned.connect("app_owner");
  const runtime = createTestRuntime(cloned, {
    log,
    platforms,
    keyring: newKeyring(),
    onRun: (report) => void reports.push(report),
  });
  const taskList = Object.fromEntries(
    platformSource.options.map((platform) => [platformTasks[platform], syncTask(platform)]),
  );
  return {
    cloned,
    runtime,
    owner,
    reports,
    lines,
    link: async (link = {}) =>
      (
        await linkNewAccount(runtime.db, runtime.keyring, {
          userId: randomUUID(),
          platform: "mono",
          accountName: "Everyday",
          currency: "NGN",
          externalId: randomUUID(),
          historyDays: 10,
          ...link,
        })
      ).accountId,
    addJob: async (task, payload) => {
      await runtime.db.query("select graphile_worker.add_job($1, $2::json)", [task, JSON.stringify(payload)]);
    },
    runJobs: () =>
      runOnce(
        { pgPool: runtime.db, noHandleSignals: true, logger: workerLogger(log), preset: { worker: completion } },
        taskList,
      ),
    jobs: () => rowsOf(owner, "select * from graphile_worker.jobs order by id"),
    logs: (accountId) =>
      rowsOf(owner, "select * from app_public.sync_logs where account_id = $1 order by id", [accountId]),
    account: (accountId) =>
      rowOf(
        owner,
        `select a.*, s.*, p.paused_until > app_private.clock() as platform_is_paused,
           greatest(s.next_sync_at, s.enqueued_until) <= app_private.clock() as is_due
         from app_public.accounts a
         join app_private.sync_states s on s.account_id = a.id
         join app_private.platforms p on p.platform_source = a.platform_source
         where a.id = $1`,
        [accountId],
      ),
    pass: async (seconds) => {
      await owner.query("select app_private.set_clock(app_private.clock() + make_interval(secs => $1))", [seconds]);
    },
  };
}

/** A process's runtime without its environment; closing it leaves the pool, which the test closes. */
export function createTestRuntime(
  cloned: ClonedDb,
  options: {
    log: Log;
    keyring: Keyring;
    platforms: Partial<Record<PlatformSource, Omit<Platform, "name">>>;
    onRun?: (report: RunReport) => void;
    beatEveryMs?: number;
    channels?: Partial<Channels>;
  },
): Runtime {
  const { log, keyring, platforms, onRun, beatEveryMs, channels } = options;
  const db = cloned.pool("app_worker");
  const metrics = new Metrics();
  metrics.readFrom(db, log);
  const heartbeats = new Heartbeats(db, log, {
    metrics,
    ...(beatEveryMs === undefined ? {} : { everyMs: beatEveryMs }),
  });
  return {
    db,
    verbs: coalescedVerbs(db),
    keyring,
    platforms: new Map(
      platformSource.options.flatMap((name) => {
        const platform = platforms[name];
        return platform === undefined
          ? []
          : [[name, { platform: { ...platform, name }, baseUrl: "https://provider.example" }] as const];
      }),
    ),
    tokens: new WalletTokens(db, keyring),
    keyRenewals: new KeyRenewals(db, keyring),
    quotas: new Map(),
    channels: { oneSignal: null, webPush: null, close: () => Promise.resolve(), ...channels },
    links: () => openDeepLinks(db, keyring, { PUBLIC_URL: "https://sync.example", APP_DEEP_LINK_BASE: "budget://" }),
    metrics,
    heartbeats,
    log,
    machineNow: Date.now,
    ...(onRun === undefined ? {} : { onRun }),
    close: () => heartbeats.stop(),
  };
}
