/**
 * How quickly webhooks are answered: 200 a second for ten seconds, then 5,000 as fast as 50 senders go, half of them
 * repeats. Everything runs on this machine: Postgres (which syncs its commits to disk), the server, the worker that judges,
 * and the senders.
 *
 *   node scripts/bootstrap.mjs scripts/bench/webhooks.ts
 */

import { randomBytes, randomUUID } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Agent, request } from "undici";
import { parseEnvironment } from "../../db/environment.ts";
import { createLog } from "../../db/log.ts";
import { migrate } from "../../db/migrate.ts";
import { startServer } from "../../server/start_server.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { startRunners } from "../../tasks/@worker/runners.ts";
import { createRuntime } from "../../tasks/@worker/runtime.ts";
import { startPostgres } from "../postgres/embedded.ts";
import { exitWithSentence } from "../usage.ts";

const RATE = 200;
const SECONDS = 10;
const BURST = 5_000;
const SENDERS = 50;
const ACCOUNTS = 50;

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({ version: 18, dataDir: join(folder, "postgres"), onNote: () => undefined });
  try {
    await measure(postgres.url);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(databaseUrl: string): Promise<void> {
  await migrate({ databaseUrl });
  const secret = randomBytes(16).toString("hex");
  const parsed = parseEnvironment({
    DATABASE_URL: databaseUrl,
    PORT: "0",
    TIDEMARK_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString("base64")}`,
    MONO_WEBHOOK_SECRET: secret,
  });
  const environment = { ...parsed, DATABASE_URL: databaseUrl };
  const log = createLog({ level: "error" });
  const runtime = await createRuntime({ environment, log, concurrency: 2 });
  const accounts: string[] = [];
  for (let n = 0; n < ACCOUNTS; n += 1) {
    const externalId = randomBytes(12).toString("hex");
    accounts.push(externalId);
    const link = { userId: randomUUID(), platform: "mono" as const, accountName: "Bench", currency: "NGN", externalId };
    await linkNewAccount(runtime.db, runtime.keyring, link);
  }
  const server = await startServer({ environment, log, host: "127.0.0.1" });
  const runners = await startRunners({ runtime, platforms: [], concurrency: 2 });
  const agent = new Agent({ connections: SENDERS });

  const statuses = new Map<number, number>();
  const post = async (body: string): Promise<number> => {
    const started = performance.now();
    const reply = await request(`${server.url}/webhooks/mono`, {
      method: "POST",
      headers: { "content-type": "application/json", "mono-webhook-secret": secret },
      body,
      dispatcher: agent,
    });
    await reply.body.dump();
    statuses.set(reply.statusCode, (statuses.get(reply.statusCode) ?? 0) + 1);
    return performance.now() - started;
  };
  let events = 0;
  const event = (): string => {
    events += 1;
    return JSON.stringify({
      event: "mono.events.account_updated",
      event_id: randomBytes(20).toString("hex"),
      timestamp: new Date().toISOString(),
      data: {
        account: { _id: accounts[events % ACCOUNTS] },
        meta: { data_status: "AVAILABLE", sync_status: "SUCCESSFUL" },
      },
    });
  };

  await Promise.all(Array.from({ length: 50 }, () => post(event()))); // Warm: connections, plans, compiled code.
  statuses.clear();
  const answered: Promise<number>[] = [];
  await new Promise<void>((done) => {
    const timer = setInterval(() => {
      answered.push(post(event()));
      if (answered.length < RATE * SECONDS) return;
      clearInterval(timer);
      done();
    }, 1000 / RATE);
  });
  tell(`${RATE} a second`, await Promise.all(answered), statuses);

  statuses.clear();
  const fresh = Array.from({ length: BURST / 2 }, event);
  const queue = [...fresh, ...fresh.toReversed()];
  const times: number[] = [];
  const started = performance.now();
  const send = async (): Promise<void> => {
    for (let body = queue.shift(); body !== undefined; body = queue.shift()) times.push(await post(body));
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  const seconds = (performance.now() - started) / 1000;
  tell(`burst of ${BURST}, half repeats, ${Math.round(BURST / seconds)} a second`, times, statuses);

  await agent.close();
  await runners.stop();
  await server.close();
  await runtime.close();
}

function tell(what: string, times: readonly number[], statuses: ReadonlyMap<number, number>): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => `${(sorted[Math.ceil(sorted.length * share) - 1] ?? NaN).toFixed(1)} ms`;
  const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(", ");
  console.log(`${what}: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, longest ${at(1)}; ${answers}`);
}

main().catch(exitWithSentence);
