import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { EventEmitter } from "node:events";
import test from "ava";
import { parseEnvironment } from "../../db/environment.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { createRuntime } from "../../tasks/@worker/runtime.ts";
import { startRunners } from "../../tasks/@worker/runners.ts";
import { startMomoSimulator } from "../simulators/momo/simulator.ts";
import { startMonoSimulator } from "../simulators/mono/simulator.ts";

const WALLETS = 200;
const BANKS = 60;
const PAIRS = 10;

/**
 * One platform's provider hangs on every request; the other platform's throughput must not care. Against the strictest
 * measure: its own throughput while the first platform has nothing to do at all.
 */
test(
  "with Mono hanging on every request, MoMo keeps at least 85 % of its throughput (median of ten interleaved pairs)",
  withClonedDb(async (t, cloned) => {
    t.timeout(300_000);
    const mono = await startMonoSimulator({ seed: t.title });
    const momo = await startMomoSimulator({ seed: t.title, rateLimit: null });
    const owner = await cloned.connect("app_owner");
    await owner.query("update app_private.quotas set requests = null");
    const ended = new EventEmitter();
    const counts = { mono: 0, mtn_momo: 0 };
    const runtime = await createRuntime({
      environment: parseEnvironment({
        DATABASE_URL: cloned.url,
        TIDEMARK_ENCRYPTION_KEYS: `test:${canarySecret("base64")}`,
        MONO_BASE_URL: mono.url,
        MONO_SECRET_KEY: mono.secretKey,
        MOMO_BASE_URL: momo.url,
        MOMO_SUBSCRIPTION_KEY: momo.subscriptionKeys[0],
      }),
      log: unreadLog("info"),
      concurrency: 16,
      // So that what hung in one measurement is over before the next.
      deadlineMs: 1_500,
      onRun: ({ platform }) => {
        counts[platform] += 1;
        ended.emit("run");
      },
    });
    const runners = await startRunners({ runtime, platforms: ["mono", "mtn_momo"], concurrency: 8 });
    try {
      const wallet = {
        platform: "mtn_momo",
        userId: randomUUID(),
        targetEnvironment: "sandbox",
        baseUrl: momo.url,
      } as const;
      for (let nth = 0; nth < WALLETS; nth += 1) {
        const made = momo.createWallet({ balance: "10.00", history: false });
        await linkNewAccount(runtime.db, runtime.keyring, {
          ...wallet,
          accountName: `wallet ${nth}`,
          currency: made.currency,
          externalId: made.apiUser,
          timeZone: "Etc/UTC",
          credentials: { momo_api_key: made.apiKey, momo_subscription_key: made.subscriptionKey },
        });
      }
      for (let nth = 0; nth < BANKS; nth += 1) {
        await linkNewAccount(runtime.db, runtime.keyring, {
          platform: "mono",
          userId: wallet.userId,
          accountName: `bank ${nth}`,
          currency: "NGN",
          externalId: mono.createAccount({ historyDays: 1 }),
          historyDays: 1,
        });
      }
      const ran = async (platform: keyof typeof counts, count: number): Promise<void> => {
        while (counts[platform] < count) await once(ended, "run");
      };
      await ran("mtn_momo", WALLETS);
      await ran("mono", BANKS);

      const addJobs = (task: string, platform: string): Promise<unknown> =>
        owner.query(
          `select count(graphile_worker.add_job($1, json_build_object('accountId', id), job_key => 'sync:' || id))
           from app_public.accounts where platform_source = $2::app_public.platform_source`,
          [task, platform],
        );
      const measure = async (): Promise<number> => {
        counts.mtn_momo = 0;
        const startedAt = performance.now();
        await addJobs("momo_sync", "mtn_momo");
        await ran("mtn_momo", WALLETS);
        return WALLETS / ((performance.now() - startedAt) / 1000);
      };

      const ratios: number[] = [];
      for (let pair = 0; pair < PAIRS; pair += 1) {
        const alone = await measure();
        mono.addFault({ kind: "hang", times: 100_000 });
        counts.mono = 0;
        const hanging = mono.nextRequest();
        await addJobs("mono_sync", "mono");
        await hanging;
        const beside = await measure();
        t.true(counts.mono < BANKS, "Mono still hung when MoMo was done");
        ratios.push(beside / alone);
        // The rest of Mono's jobs is called off, and what hangs runs into its deadline.
        await owner.query("delete from graphile_worker._private_jobs where locked_at is null");
        mono.clearFaults();
        for (;;) {
          const { rows } = await owner.query(
            "select pg_sleep(0.05) from graphile_worker.jobs where locked_at is not null limit 1",
          );
          if (rows.length === 0) break;
        }
        await owner.query(
          "update app_private.breakers set failed_accounts = '{}', opened_at = null, next_probe_at = null",
        );
      }
      const sorted = ratios.toSorted((a, b) => a - b);
      const median = ((sorted[4] ?? 0) + (sorted[5] ?? 0)) / 2;
      t.log(`ratios ${sorted.map((ratio) => ratio.toFixed(2)).join(" ")}; median ${median.toFixed(2)}`);
      t.true(median >= 0.85, `median ${median.toFixed(2)}`);
    } finally {
      await runners.stop();
      await runtime.close();
      await mono.close();
      await momo.close();
    }
  }),
);
