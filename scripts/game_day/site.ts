import { randomUUID } from "node:crypto";
import type { Client, Pool } from "pg";
import { valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import type { ClonedDb } from "../../db/testing/database.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { Metrics } from "../../tasks/@metrics/metrics.ts";
import { startMomoSimulator, type MomoSimulator } from "../simulators/momo/simulator.ts";
import { startMonoSimulator, type MonoSimulator } from "../simulators/mono/simulator.ts";
import { OneWorker } from "../soak/one_worker.ts";

/** Longer than anything that is waited for here takes on a machine that is ten times slower. */
const PATIENCE_MS = 240_000;

/**
 * An installation as an operator has it: a database, both providers (simulated), and real worker processes, which the test
 * starts and ends. Time is machine time.
 */
export class Site {
  readonly mono: MonoSimulator;
  readonly momo: MomoSimulator;
  /** Acts as app_owner, to arrange and to look at everything. */
  readonly owner: Client;
  /** Acts as app_admin: whoever works by the runbook. */
  readonly operator: Client;
  readonly environment: Record<string, string>;
  readonly #linker: Pool;
  readonly #metrics: { read: () => Promise<string> };
  readonly #workers: OneWorker[] = [];

  private constructor(parts: {
    mono: MonoSimulator;
    momo: MomoSimulator;
    owner: Client;
    operator: Client;
    environment: Record<string, string>;
    linker: Pool;
  }) {
    this.mono = parts.mono;
    this.momo = parts.momo;
    this.owner = parts.owner;
    this.operator = parts.operator;
    this.environment = parts.environment;
    this.#linker = parts.linker;
    this.#metrics = serverMetrics(parts.linker);
  }

  static async open(cloned: ClonedDb, seed: string): Promise<Site> {
    const mono = await startMonoSimulator({ seed });
    const momo = await startMomoSimulator({ seed, rateLimit: null });
    return new Site({
      mono,
      momo,
      owner: await cloned.connect("app_owner"),
      operator: await cloned.connect("app_admin"),
      linker: cloned.pool("app_worker"),
      environment: {
        DATABASE_URL: cloned.url,
        TIDEMARK_ENCRYPTION_KEYS: `test:${canarySecret("base64")}`,
        TIDEMARK_METRICS_PORT: "0",
        MONO_BASE_URL: mono.url,
        MONO_SECRET_KEY: mono.secretKey,
        MOMO_BASE_URL: momo.url,
        MOMO_SUBSCRIPTION_KEY: momo.subscriptionKeys[0] ?? "",
      },
    });
  }

  /** A worker process; resolves when it takes jobs. */
  async startWorker(args: string[], environment: Record<string, string> = {}): Promise<OneWorker> {
    const worker = new OneWorker({ args, environment: { ...this.environment, ...environment } });
    this.#workers.push(worker);
    await worker.says("worker started");
    return worker;
  }

  async linkBank(institutionCode = "058"): Promise<string> {
    const monoId = this.mono.createAccount({ institution: institutionCode, historyDays: 30, perWeek: 5, lateShare: 0 });
    const { accountId } = await linkNewAccount(this.#linker, parseKeyring(this.#keys), {
      userId: randomUUID(),
      platform: "mono",
      accountName: "Everyday",
      currency: "NGN",
      externalId: monoId,
      historyDays: 20,
      institutionCode,
    });
    return accountId;
  }

  async linkWallet(): Promise<string> {
    const wallet = this.momo.createWallet({ balance: "512.50" });
    const { accountId } = await linkNewAccount(this.#linker, parseKeyring(this.#keys), {
      userId: randomUUID(),
      platform: "mtn_momo",
      accountName: "Till",
      currency: wallet.currency,
      externalId: wallet.apiUser,
      baseUrl: wallet.baseUrl,
      targetEnvironment: wallet.targetEnvironment,
      timeZone: "Etc/UTC",
      credentials: { momo_api_key: wallet.apiKey, momo_subscription_key: wallet.subscriptionKey },
    });
    return accountId;
  }

  /** What the server's /metrics tells at this moment. */
  metrics(): Promise<string> {
    return this.#metrics.read();
  }

  /** Waits until a condition on the database holds. */
  async until(condition: string, values: unknown[] = []): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while ((await valueOf(this.owner, `select (${condition})::boolean`, values)) !== true) {
      if (performance.now() > giveUpAt) throw new Error(`waited in vain for: ${condition}\n${this.#lastWords()}`);
      await this.owner.query("select pg_sleep(0.1)");
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end()));
    await this.mono.close();
    await this.momo.close();
  }

  get #keys(): string {
    return this.environment["TIDEMARK_ENCRYPTION_KEYS"] ?? "";
  }

  #lastWords(): string {
    return this.#workers.map(({ lines }, n) => `worker ${n}: ${lines.slice(-5).join("\n  ")}`).join("\n");
  }
}

/** Read anew each time; a server would answer what it read within the last ten seconds. */
function serverMetrics(db: Pool): { read: () => Promise<string> } {
  let turns = 0;
  const metrics = new Metrics({ now: () => (turns += 60_000) });
  metrics.readFrom(db, unreadLog());
  return { read: async () => (await metrics.render()).text };
}
