/**
 * How soon people are told: so many episodes, ten a second, each begun by Mono's webhook at the server's door. Measured from the
 * moment at which it is sent to the moment at which the notification is committed, and to those at which its first requests arrive
 * at OneSignal and at a push service. Everything runs on this machine: Postgres (which syncs its commits to disk), the server, one
 * worker, and the simulators.
 *
 *   node scripts/bootstrap.mjs scripts/bench/first_sign.ts [episodes]
 */

import { randomBytes } from "node:crypto";
import { chmod, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setInterval as every } from "node:timers/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { Client } from "pg";
import webPush from "web-push";
import { z } from "zod";
import { parseEnvironment } from "../../db/environment.ts";
import { createLog } from "../../db/log.ts";
import { migrate } from "../../db/migrate.ts";
import { startServer } from "../../server/start_server.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { startRunners } from "../../tasks/@worker/runners.ts";
import { createRuntime } from "../../tasks/@worker/runtime.ts";
import { startPostgres } from "../postgres/embedded.ts";
import { startOneSignalSimulator } from "../simulators/onesignal/simulator.ts";
import { startPushServiceSimulator } from "../simulators/push_service/simulator.ts";
import { uuidFor } from "../simulators/random.ts";
import { exitWithSentence } from "../usage.ts";
import { quantile, rounded } from "./numbers.ts";

const EVERY_MS = 100;
/** Nobody's quiet hours. */
const NOON = "2026-03-10T11:00:00Z";

type Stage = "notification row" | "OneSignal" | "push service";

async function main(): Promise<void> {
  const episodes = Number(process.argv[2] ?? 1_000);
  const folder = await mkdtemp(join(tmpdir(), "tidemark-bench-"));
  // Where we are root, Postgres runs as another user, who must be able to enter.
  await chmod(folder, 0o755);
  const postgres = await startPostgres({ version: 18, dataDir: join(folder, "postgres"), onNote: () => undefined });
  try {
    await measure(postgres.url, episodes);
  } finally {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(databaseUrl: string, episodes: number): Promise<void> {
  await migrate({ databaseUrl });
  const oneSignal = await startOneSignalSimulator({ seed: "bench", rateLimit: null, userRateLimit: null });
  const push = await startPushServiceSimulator({ seed: "bench" });
  setDefaultCACertificates([...getCACertificates("default"), push.certificate]);
  const secret = randomBytes(16).toString("hex");
  const vapid = webPush.generateVAPIDKeys();
  const environment = {
    ...parseEnvironment({
      PORT: "0",
      PUBLIC_URL: "https://sync.example.com",
      TIDEMARK_ENCRYPTION_KEYS: `bench:${randomBytes(32).toString("base64")}`,
      MONO_WEBHOOK_SECRET: secret,
      ONESIGNAL_BASE_URL: oneSignal.url,
      ONESIGNAL_APP_ID: oneSignal.appId,
      ONESIGNAL_API_KEY: oneSignal.apiKey,
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:operations@example.com",
    }),
    DATABASE_URL: databaseUrl,
  };
  const log = createLog({ level: "error" });
  const runtime = await createRuntime({ environment, log, concurrency: 2 });
  const owner = new Client({ connectionString: databaseUrl });
  await owner.connect();
  await owner.query("set role app_owner");
  await owner.query("select app_private.set_clock($1)", [NOON]);
  await owner.query("insert into app_private.push_services (host, port, name) values ('localhost', $1, 'simulated')", [
    push.port,
  ]);

  const people: { userId: string; monoId: string }[] = [];
  const userOf = new Map<string, string>();
  for (let n = 0; n < episodes; n += 1) {
    const [userId, monoId] = [uuidFor("bench", "user", n), randomBytes(12).toString("hex")];
    const link = { userId, platform: "mono" as const, accountName: "Bench", currency: "NGN", externalId: monoId };
    await linkNewAccount(runtime.db, runtime.keyring, link);
    oneSignal.putUser(userId);
    const { endpoint, keys } = push.subscribe({ applicationServerKey: vapid.publicKey });
    userOf.set(new URL(endpoint).pathname, userId);
    await owner.query("select set_config('tidemark.user_id', $1, false)", [userId]);
    await owner.query("select app_public.save_push_subscription($1, $2, $3)", [endpoint, keys.p256dh, keys.auth]);
    people.push({ userId, monoId });
  }

  const sentAt = new Map<string, number>();
  const took: Record<Stage, Map<string, number>> = {
    "notification row": new Map(),
    OneSignal: new Map(),
    "push service": new Map(),
  };
  const all = Promise.withResolvers<undefined>();
  const note = (stage: Stage, userId: string | undefined): void => {
    const from = userId === undefined ? undefined : sentAt.get(userId);
    if (userId === undefined || from === undefined || took[stage].has(userId)) return;
    took[stage].set(userId, performance.now() - from);
    if (Object.values(took).every(({ size }) => size === episodes)) all.resolve(undefined);
  };
  owner.on("notification", ({ payload = "" }) => {
    const { kind, of } = announcement.parse(JSON.parse(payload));
    if (kind === "notifications") for (const [, userId] of of) note("notification row", userId ?? undefined);
  });
  await owner.query("listen tidemark");
  oneSignal.followFaultPlan(({ body }) => {
    note("OneSignal", asked.safeParse(body).data?.include_aliases.external_id[0]);
    return null;
  });
  push.followFaultPlan(({ path }) => {
    note("push service", userOf.get(path));
    return null;
  });

  const server = await startServer({ environment, log, host: "127.0.0.1" });
  const runners = await startRunners({ runtime, platforms: [], concurrency: 2 });
  const tell = async ({ userId, monoId }: { userId: string; monoId: string }): Promise<void> => {
    sentAt.set(userId, performance.now());
    const reply = await fetch(`${server.url}/webhooks/mono`, {
      method: "POST",
      headers: { "content-type": "application/json", "mono-webhook-secret": secret },
      body: JSON.stringify({
        event: "mono.events.account_updated",
        event_id: randomBytes(20).toString("hex"),
        data: { account: { _id: monoId }, meta: { data_status: "FAILED", sync_status: "REAUTHORISATION_REQUIRED" } },
      }),
    });
    await reply.text();
    if (!reply.ok) throw new Error(`the webhook was answered ${reply.status}`);
  };
  const told: Promise<void>[] = [];
  for await (const person of every(EVERY_MS, people.values())) {
    const next = person.next();
    if (next.done === true) break;
    told.push(tell(next.value));
  }
  await Promise.all([...told, all.promise]);
  console.log(`${episodes} episodes, ${1_000 / EVERY_MS} a second, from Mono's webhook to`);
  for (const [stage, times] of Object.entries(took)) {
    const at = (share: number): string => `${rounded(quantile([...times.values()], share))} ms`;
    console.log(`  ${stage}: p50 ${at(0.5)}, p95 ${at(0.95)}, p99 ${at(0.99)}, longest ${at(1)}`);
  }

  await runners.stop();
  await server.close();
  await owner.end();
  await runtime.close();
  await oneSignal.close();
  await push.close();
}

/** db/functions/announce.sql. */
const announcement = z.object({ kind: z.string(), of: z.array(z.array(z.string().nullable())) });
const asked = z.object({ include_aliases: z.object({ external_id: z.array(z.string()) }) });

main().catch(exitWithSentence);
