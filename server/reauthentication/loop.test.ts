import { once } from "node:events";
import { createServer } from "node:net";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import test, { type ExecutionContext } from "ava";
import webPush from "web-push";
import { z } from "zod";
import { parseEnvironment } from "../../db/environment.ts";
import { requestAccountSync } from "../../db/queries/sync_requests.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { unreadLog } from "../../db/testing/canaries/unread_log.ts";
import { withClonedDb } from "../../db/testing/database.ts";
import { alice } from "../../db/testing/world.ts";
import { startMonoSimulator } from "../../scripts/simulators/mono/simulator.ts";
import { startOneSignalSimulator } from "../../scripts/simulators/onesignal/simulator.ts";
import { startPushServiceSimulator } from "../../scripts/simulators/push_service/simulator.ts";
import { linkNewAccount } from "../../tasks/@linking/link_new_account.ts";
import { keepRunning } from "../../tasks/@worker/keep_running.ts";
import { createRuntime } from "../../tasks/@worker/runtime.ts";
import { startServer } from "../start_server.ts";

/*
 * The whole loop, as production runs it: a server on a port, a worker that keeps running, and everybody outside as a
 * simulator. Nothing here is called from within; each step waits for what the one before caused.
 */

const NOON = Date.parse("2026-03-10T11:00:00.000Z"); // In Lagos; two days later is noon as well, when nobody wants quiet.
const DAY = 86_400_000;

const pushed = z.object({ title: z.string(), body: z.string(), tag: z.string(), url: z.string() });

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const address = probe.address();
  probe.close();
  await once(probe, "close");
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  return address.port;
}

test("a consent ends: told by feed, OneSignal and push, tapped, renewed, synced, the gap filled, the episode over", (t) =>
  withClonedDb(async (_, cloned) => {
    const opened: (() => Promise<unknown>)[] = [];
    try {
      await loop(t, cloned, opened);
    } finally {
      for (const close of opened.toReversed()) await close();
    }
  })(t));

type Cloned = Parameters<Parameters<typeof withClonedDb>[0]>[1];

async function loop(t: ExecutionContext, cloned: Cloned, opened: (() => Promise<unknown>)[]): Promise<void> {
  const mono = await startMonoSimulator({ seed: "loop" });
  opened.push(() => mono.close());
  const oneSignal = await startOneSignalSimulator({ seed: "loop" });
  opened.push(() => oneSignal.close());
  const pushService = await startPushServiceSimulator({ seed: "loop" });
  opened.push(() => pushService.close());
  setDefaultCACertificates([...getCACertificates("default"), pushService.certificate]);

  const port = await freePort();
  const publicUrl = `http://localhost:${port}`;
  const vapid = webPush.generateVAPIDKeys();
  const secret = canarySecret("hex");
  const environment = {
    ...parseEnvironment({
      PORT: `${port}`,
      PUBLIC_URL: publicUrl,
      APP_DEEP_LINK_BASE: "budget://",
      TIDEMARK_ENCRYPTION_KEYS: `loop:${canarySecret("base64")}`,
      MONO_BASE_URL: mono.url,
      MONO_SECRET_KEY: mono.secretKey,
      MONO_WEBHOOK_SECRET: secret,
      ONESIGNAL_BASE_URL: oneSignal.url,
      ONESIGNAL_APP_ID: oneSignal.appId,
      ONESIGNAL_API_KEY: oneSignal.apiKey,
      VAPID_PUBLIC_KEY: vapid.publicKey,
      VAPID_PRIVATE_KEY: vapid.privateKey,
      VAPID_SUBJECT: "mailto:ops@example.com",
    }),
    DATABASE_URL: cloned.url,
  };
  const owner = await cloned.connect("app_owner");
  const moveTo = async (moment: number): Promise<void> => {
    mono.moveClock({ now: moment });
    await owner.query("select app_private.set_clock($1)", [new Date(moment).toISOString()]);
  };
  /** Resolves when the database answers yes. Every question is one round trip, so that nothing spins. */
  const until = async (question: string, values: unknown[] = []): Promise<void> => {
    while ((await valueOf(owner, `select (${question}) is true, pg_sleep(0.01)`, values)) !== true);
  };
  await moveTo(NOON);

  const log = unreadLog();
  const runtime = await createRuntime({ environment, log, concurrency: 4 });
  opened.push(() => runtime.close());
  const server = await startServer({ environment, log, host: "127.0.0.1" });
  opened.push(() => server.close());
  const stopping = new AbortController();
  const working = keepRunning({ runtime, platforms: ["mono"], concurrency: 4, stopping: stopping.signal });
  opened.push(() => {
    stopping.abort();
    return working;
  });
  mono.configureWebhooks({ url: `${server.url}/webhooks/mono`, secret });

  // Alice has the app on a phone, allowed pushes in a browser, and linked her bank.
  oneSignal.putUser(alice);
  await owner.query("insert into app_private.push_services (host, port, name) values ('localhost', $1, 'simulated')", [
    pushService.port,
  ]);
  const browser = pushService.subscribe({ applicationServerKey: vapid.publicKey });
  await owner.query("select set_config('tidemark.user_id', $1, false)", [alice]);
  await owner.query("select app_public.save_push_subscription($1, $2, $3)", [
    browser.endpoint,
    browser.keys.p256dh,
    browser.keys.auth,
  ]);
  const monoId = mono.createAccount({ perWeek: 70, historyDays: 30 });
  const { accountId } = await linkNewAccount(runtime.db, runtime.keyring, {
    userId: alice,
    platform: "mono",
    accountName: "Salary",
    currency: "NGN",
    externalId: monoId,
    historyDays: 8,
  });
  const account = "select from app_public.accounts where id = $1 and ";
  await until(`exists (${account} last_synced_at is not null)`, [accountId]);
  const before = await stored();

  // Her consent ends an hour later, and nobody notices until the next sync, two days on.
  await moveTo(NOON + 3_600_000);
  mono.setConsent(monoId, { expired: true });
  await moveTo(NOON + 2 * DAY);
  const tellsOneSignal = oneSignal.nextRequest(({ path }) => path === "/notifications");
  const tellsPush = pushService.nextRequest(({ path }) => path.startsWith("/push/"));
  await requestAccountSync(owner, accountId);
  await Promise.all([tellsOneSignal, tellsPush]);
  await until(
    "select count(*) = 3 from app_private.deliveries d join app_public.notifications n on n.id = d.notification_id where d.outcome = 'delivered' and n.account_id = $1",
    [accountId],
  );
  t.is(await valueOf(owner, "select sync_status from app_public.accounts where id = $1", [accountId]), "auth_required");

  // What she reads, in all three places.
  const feed = await rowsOf(owner, "select kind, account_id, read_at from app_public.notifications");
  t.deepEqual(feed, [{ kind: "reauth_required", account_id: accountId, read_at: null }]);
  const [sent, ...more] = oneSignal.received(alice);
  t.deepEqual(more, []);
  t.regex(`${sent?.headings["en"]} ${sent?.contents["en"]}`, /Salary/);
  const [message, ...others] = pushService.received(browser.endpoint);
  t.deepEqual(others, []);
  const shown = pushed.parse(JSON.parse(message?.text ?? ""));
  t.deepEqual([shown.title, shown.body], [sent?.headings["en"] ?? "", sent?.contents["en"] ?? ""]);
  t.is(shown.url.split("?")[0], `${publicUrl}/${accountId}/reauth`);
  t.is(sent?.webUrl?.split("?")[0], shown.url.split("?")[0]);
  t.true(sent?.appUrl?.startsWith(`budget://${accountId}/reauth?t=`));

  // One tap, and through the bank's page.
  const page = await follow(shown.url);
  t.true(page.startsWith(`${mono.url}/connect/`));
  t.regex(await (await fetch(page)).text(), /Log in again/);
  const back = await follow(page, "POST");
  t.true(back.startsWith(`${publicUrl}/?reauthenticated=${accountId}`));
  await until(`exists (${account} sync_status = 'active')`, [accountId]);

  // Back: the two days are there, the episode is over, and nothing was said twice.
  const since = String(await valueOf(owner, "select history_start::text from app_private.coverage"));
  const truth = mono
    .truth(monoId)
    .transactions.filter(({ day }) => day >= since)
    .map(({ id }) => id);
  const after = await stored();
  t.deepEqual(after, truth.toSorted());
  t.true(after.length > before.length, "there was a gap to fill");
  const episode = await rowOf(
    owner,
    `select state, relapses, detected_at <= told_at and told_at <= pushed_at and pushed_at <= tapped_at
       and tapped_at <= recovered_at as in_order from app_admin.auth_episodes`,
  );
  t.deepEqual(episode, { state: "recovered", relapses: 0, in_order: true });
  t.deepEqual(await listOf(owner, "select kind from app_public.notifications"), ["reauth_required"]);
  t.is(oneSignal.received(alice).length, 1);
  t.deepEqual(
    pushService.shown(browser.endpoint).map(({ times }) => times),
    [1],
  );
  t.is((await fetch(shown.url, { redirect: "manual" })).status, 200, "a later tap finds nothing to do");

  // The numbers, asserted with room for a machine that does other things.
  const latencies = await rowsOf(
    owner,
    `select d.channel, extract(epoch from n.created_at - l.sync_completed_at)::float8 as told,
       extract(epoch from d.finished_at - l.sync_completed_at)::float8 as pushed
     from app_public.notifications n
     join app_private.auth_episodes e on e.id = n.episode_id
     join app_private.deliveries d on d.notification_id = n.id
     cross join lateral (
       select min(least(l.sync_completed_at, w.received_at)) as sync_completed_at
       from app_public.sync_logs l left join app_private.webhooks w
         on w.account_id = l.account_id and w.sync_status = 'REAUTHORISATION_REQUIRED'
       where l.account_id = n.account_id and l.status in ('failed', 'auth_error')
     ) l
     order by d.channel`,
  );
  for (const { channel, told, pushed: reached } of latencies) {
    t.log(`${String(channel)}: notification ${ms(told)} after the first sign, delivered ${ms(reached)} after it`);
    t.true(Number(told) < 5);
    t.true(Number(reached) < 25);
  }
  const { returned } = await rowOf(
    owner,
    "select extract(epoch from tapped_to_recovered)::float8 as returned from app_admin.auth_episodes",
  );
  t.log(`tapped to recovered: ${ms(returned)}`);

  function stored(): Promise<string[]> {
    return listOf(
      owner,
      "select provider_transaction_id from app_public.transactions where status = 'posted' order by 1",
    );
  }
}

const ms = (seconds: unknown): string => `${Math.round(Number(seconds) * 1000)} ms`;

/** Where a person is sent on. */
async function follow(url: string, method = "GET"): Promise<string> {
  const reply = await fetch(url, { method, redirect: "manual" });
  await reply.body?.cancel();
  const location = reply.headers.get("location");
  if (reply.status !== 303 || location === null) throw new Error(`${method} was answered ${reply.status}`);
  return location;
}
