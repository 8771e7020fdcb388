import { EventEmitter, once } from "node:events";
import type { ExecutionContext } from "ava";
import test from "ava";
import { runOnce } from "graphile-worker";
import type { Client } from "pg";
import webPush from "web-push";
import { type OneSignalSimulator, startOneSignalSimulator } from "../../scripts/simulators/onesignal/simulator.ts";
import {
  type PushServiceSimulator,
  startPushServiceSimulator,
} from "../../scripts/simulators/push_service/simulator.ts";
import { listPushServices } from "../../db/queries/push_services.ts";
import { createLog, workerLogger } from "../../db/log.ts";
import { rowOf, rowsOf, valueOf } from "../../db/testing/ask.ts";
import { type ClonedDb, withClonedDb } from "../../db/testing/database.ts";
import { asOwner, asUser } from "../../db/testing/roles.ts";
import { type Account, alice, begin, emptyQueue, fail, finish, linkMono, noon } from "../../db/testing/world.ts";
import { createHttpClient } from "../@http/client.ts";
import { createOneSignal, type OneSignalChannel } from "../@channels/onesignal/channel.ts";
import { INTERRUPTED } from "../@channels/outcomes.ts";
import { startStubServer } from "../@http/testing/stub_server.ts";
import { readSamples } from "../@metrics/testing/samples.ts";
import { createWebPush } from "../@channels/web_push/channel.ts";
import { completion } from "../@worker/completion.ts";
import { provideRuntime } from "../@worker/current_runtime.ts";
import { startRunners } from "../@worker/runners.ts";
import type { Runtime } from "../@worker/runtime.ts";
import { createTestRuntime, newKeyring } from "../@worker/testing/workplace.ts";
import enqueueDueDeliveries from "../enqueue_due_deliveries.ts";
import mirrorTags from "../mirror_tags.ts";
import remindOwners from "../remind_owners.ts";
import sendOneSignal from "../send_onesignal.ts";
import sendWebPush from "../send_web_push.ts";
import type { Channels } from "./channels.ts";
import { deliver } from "./deliver.ts";

const taskList = {
  enqueue_due_deliveries: enqueueDueDeliveries,
  mirror_tags: mirrorTags,
  remind_owners: remindOwners,
  send_onesignal: sendOneSignal,
  send_web_push: sendWebPush,
};

type Post = {
  owner: Client;
  runtime: Runtime;
  oneSignal: OneSignalSimulator;
  /** What /metrics tells of attempts at this channel, by outcome; zeros left out. */
  counted: () => Promise<Record<string, number>>;
  pushService: PushServiceSimulator;
  /** Both channels, which the runtime has as well unless they are off. */
  withKeys: Channels;
  /** What the worker logged. */
  logged: () => string;
  /** Runs every job that is ready, each once. */
  runJobs: () => Promise<void>;
  /** Moves business time, and hands out what is due then. */
  pass: (interval: string) => Promise<void>;
};

/** The tasks of this folder on a real queue, with OneSignal's simulator behind them. Tests of this file take turns. */
function atPost(
  body: (t: ExecutionContext, post: Post) => Promise<void>,
  settings: { isOff?: boolean } = {},
): (t: ExecutionContext) => Promise<void> {
  return withClonedDb(async (t, cloned: ClonedDb) => {
    const owner = await cloned.connect("app_owner");
    await owner.query("select app_private.set_clock($1, true)", [noon]);
    const oneSignal = await startOneSignalSimulator({ seed: "post", rateLimit: null, now: () => Date.parse(noon) });
    const pushService = await startPushServiceSimulator({ seed: "post", now: () => Date.parse(noon) });
    await owner.query(
      "insert into app_private.push_services (host, port, name) values ('localhost', $1, 'simulator')",
      [pushService.port],
    );
    const http = createHttpClient({ trusted: pushService.certificate });
    const { url: baseUrl, appId, apiKey } = oneSignal;
    let logged = "";
    const log = createLog({ level: "debug", destination: { write: (line) => void (logged += line) } });
    const withKeys: Channels = {
      oneSignal: createOneSignal({ http, baseUrl, appId, apiKey }),
      webPush: createWebPush({ http, vapid, services: () => listPushServices(runtime.db) }),
      close: () => Promise.resolve(),
    };
    const runtime: Runtime = createTestRuntime(cloned, {
      log,
      keyring: newKeyring(),
      platforms: {},
      channels: settings.isOff === true ? {} : withKeys,
    });
    const runJobs = () =>
      runOnce(
        { pgPool: runtime.db, noHandleSignals: true, logger: workerLogger(log), preset: { worker: completion } },
        taskList,
      );
    provideRuntime(runtime);
    try {
      await body(t, {
        owner,
        runtime,
        oneSignal,
        async counted() {
          const samples = readSamples((await runtime.metrics.render()).text).filter(
            ({ name, labels, value }) =>
              name === "tidemark_notification_deliveries_total" && labels["channel"] === "onesignal" && value > 0,
          );
          return Object.fromEntries(
            samples.map(({ labels, value }): [string, number] => [labels["outcome"] ?? "", value]),
          );
        },
        pushService,
        withKeys,
        logged: () => logged,
        runJobs,
        async pass(interval) {
          await owner.query("select app_private.set_clock(app_private.clock() + $1::interval, true)", [interval]);
          await owner.query(
            "select graphile_worker.add_job('enqueue_due_deliveries'), graphile_worker.add_job('remind_owners')",
          );
          await runJobs();
        },
      });
    } finally {
      provideRuntime(undefined);
      await runtime.close();
      await oneSignal.close();
      await pushService.close();
      await http.close();
    }
  });
}

const vapid = { ...webPush.generateVAPIDKeys(), subject: "mailto:operations@example.com" };

/** A browser of Alice's; its keys may be spoilt. */
async function subscribe(owner: Client, endpoint: string, keys: { p256dh: string; auth: string }): Promise<void> {
  await owner.query(
    "insert into app_public.push_subscriptions (user_id, endpoint, p256dh, auth, saved_at) values ($1, $2, $3, $4, now())",
    [alice, endpoint, keys.p256dh, keys.auth],
  );
}

/** Alice's account needs her. */
async function needsHer(owner: Client): Promise<Account> {
  const account = await linkMono(owner);
  await emptyQueue(owner);
  await fail(owner, await begin(owner, account), "auth_required");
  return account;
}

const delivery = (owner: Client) =>
  rowOf(owner, "select outcome, code, reason, attempts from app_private.deliveries where channel = 'onesignal'");

test.serial(
  "told, reminded and told that all is well: the text, the links and the tag that her phone gets",
  atPost(async (t, { owner, oneSignal, runJobs, pass }) => {
    oneSignal.putUser(alice);
    await asUser(owner, alice);
    await owner.query("select app_public.choose_notification_settings('fr', tell_recovery => true)");
    await asOwner(owner);
    const account = await needsHer(owner);
    await runJobs();
    await pass("3 days");
    await finish(owner, await begin(owner, account));
    await runJobs();
    const got = oneSignal.received(alice);
    t.deepEqual(
      got.map(({ headings }) => headings["fr"]),
      ["Reconnectez Salary", "Salary est toujours déconnecté", "Salary est à jour"],
    );
    t.is(new Set(got.map(({ collapseId }) => collapseId)).size, 1, "each replaces the one before");
    const link = new RegExp(`/${account.accountId}/reauth\\?t=[\\w-]{27}$`);
    t.regex(got[0]?.webUrl ?? "", link);
    t.regex(got[0]?.appUrl ?? "", link);
    t.is(got[2]?.webUrl, `https://sync.example/?account=${account.accountId}`);
    t.deepEqual(
      await rowsOf(owner, "select distinct outcome, attempts from app_private.deliveries where channel = 'onesignal'"),
      [{ outcome: "delivered", attempts: 1 }],
    );
  }),
);

test.serial(
  "a channel that fails is tried again until it delivers, once; other channels do not wait for it",
  atPost(async (t, { owner, oneSignal, runJobs, pass, counted }) => {
    oneSignal.putUser(alice);
    await needsHer(owner);
    for (const kind of ["503", "lost_answer", "429"] as const) oneSignal.addFault({ kind, match: { method: "POST" } });
    await runJobs();
    t.like(await delivery(owner), { outcome: null, attempts: 1 });
    await pass("1 hour");
    t.like(await delivery(owner), { outcome: null, attempts: 2 });
    await pass("1 hour");
    await pass("1 hour");
    t.like(await delivery(owner), { outcome: "delivered", code: "replayed", attempts: 4 });
    t.is(oneSignal.received(alice).length, 1);
    const key = String(await valueOf(owner, "select id from app_private.deliveries where channel = 'onesignal'"));
    t.deepEqual(oneSignal.keyCount(key), { created: 1, replayed: 1 });
    t.deepEqual(await counted(), { retry: 3, delivered: 1 });
  }),
);

test.serial(
  "somebody who is not there, or not subscribed, is an outcome to read; a key of ours that is wrong is an alert, and is mended",
  atPost(async (t, { owner, oneSignal, runJobs, pass, logged }) => {
    await needsHer(owner);
    await runJobs();
    t.like(await delivery(owner), { outcome: "unreachable", attempts: 1 });
    t.regex(String((await delivery(owner))["reason"]), /\w+.*\.$/);
    t.false(logged().includes(alice), "the log does not say who");

    await owner.query("delete from app_private.auth_episodes; delete from app_public.notifications");
    oneSignal.putUser(alice);
    const { apiKey } = oneSignal;
    oneSignal.setKey("another");
    await needsHer(owner);
    await runJobs();
    t.like(await delivery(owner), { outcome: null });
    t.regex(logged(), /"level":"error".*a push channel refuses our keys/);
    t.false(logged().includes(apiKey));
    oneSignal.setKey(apiKey);
    await pass("1 hour");
    t.like(await delivery(owner), { outcome: "delivered" });
    t.is(oneSignal.received(alice).length, 1);
  }),
);

test.serial(
  "of four browsers and a phone each has an outcome of its own to read, and none stops another",
  atPost(async (t, { owner, oneSignal, pushService, runJobs, pass }) => {
    oneSignal.putUser(alice, { subscribed: false });
    const [good, gone, spoilt, elsewhere] = [1, 2, 3, 4].map(() =>
      pushService.subscribe({ applicationServerKey: vapid.publicKey }),
    );
    if (!good || !gone || !spoilt || !elsewhere) throw new Error("four browsers");
    await subscribe(owner, good.endpoint, good.keys);
    await subscribe(owner, gone.endpoint, gone.keys);
    pushService.setStatus(gone.endpoint, "gone");
    // No point of the curve; and an address that was on the list when it was saved, and is not any more.
    await subscribe(owner, spoilt.endpoint, { ...spoilt.keys, p256dh: `B${"A".repeat(86)}` });
    await subscribe(owner, "https://push.example.org/x", elsewhere.keys);
    await needsHer(owner);
    await runJobs();
    await pass("1 hour");
    t.deepEqual(
      await rowsOf(
        owner,
        `select channel::text, outcome, code from app_private.deliveries where channel <> 'in_app'
         order by channel, outcome, code`,
      ),
      [
        { channel: "onesignal", outcome: "unreachable", code: "not_subscribed" },
        { channel: "web_push", outcome: "delivered", code: null },
        { channel: "web_push", outcome: "refused", code: "endpoint_not_allowed" },
        { channel: "web_push", outcome: "unreachable", code: "http_410" },
        { channel: "web_push", outcome: "unreachable", code: "malformed_subscription" },
      ],
    );
    t.is(
      await valueOf(
        owner,
        "select count(*)::int from app_private.deliveries where outcome <> 'delivered' and reason is null",
      ),
      0,
    );
    t.deepEqual(
      pushService.shown(good.endpoint).map(({ title }) => title),
      ["Reconnect Salary"],
    );
    t.deepEqual(
      (await rowsOf(owner, "select endpoint from app_public.push_subscriptions order by id")).map(
        ({ endpoint }) => endpoint,
      ),
      [good.endpoint, "https://push.example.org/x"],
      "what never works again is forgotten",
    );
  }),
);

test.serial(
  "the first sign reaches the channel's door at once, not with the next minute's tick",
  atPost(async (t, { owner, runtime, oneSignal }) => {
    oneSignal.putUser(alice);
    const { accountId } = await linkMono(owner);
    await emptyQueue(owner);
    const runners = await startRunners({ runtime, platforms: [], concurrency: 2 });
    try {
      const asked = oneSignal.nextRequest(({ path }) => path === "/notifications");
      const startedAt = performance.now();
      await owner.query("select app_private.require_owner($1)", [accountId]);
      t.is(await valueOf(owner, "select count(*)::int from app_public.notifications"), 1, "the feed has it at once");
      await asked;
      const tookMs = performance.now() - startedAt;
      t.log(`${Math.round(tookMs)} ms`);
      // Five seconds are the promise; the room is for a machine that does other things.
      t.true(tookMs < 25_000);
    } finally {
      await runners.stop();
    }
  }),
);

test.serial(
  "without keys for a channel nothing of it is lost: it waits, is seen, and goes out when a worker with keys begins",
  atPost(
    async (t, { owner, runtime, oneSignal, runJobs, pass, counted, logged, withKeys }) => {
      oneSignal.putUser(alice);
      const account = await needsHer(owner);
      await runJobs();
      await pass("10 seconds");
      t.like(await delivery(owner), { outcome: null, code: "not_set_up", attempts: 1 }, "no attempt chases the next");
      const { problem, ...seen } = await rowOf(
        owner,
        "select open::int, needs_operator::int, problem from app_admin.deliveries where channel = 'onesignal'",
      );
      t.deepEqual(seen, { open: 1, needs_operator: 1 });
      t.regex(String(problem), /^This channel is off: .+\.$/);
      t.like(await rowOf(owner, "select * from app_private.tag_mirrors"), {
        next_attempt_at: null,
        code: "not_set_up",
        needs_operator: true,
      });
      t.deepEqual(await counted(), {}, "nothing was attempted: no alert");
      t.notRegex(logged(), /"level":"error"/);

      runtime.channels = withKeys;
      const runners = await startRunners({ runtime, platforms: [], concurrency: 1 });
      try {
        const sent = oneSignal.nextRequest(({ path }) => path === "/notifications");
        const tagged = oneSignal.nextRequest(({ method }) => method === "PATCH");
        await owner.query("select graphile_worker.add_job('enqueue_due_deliveries')");
        await Promise.all([sent, tagged]);
        const left =
          "select count(*)::int, pg_sleep(0.01) from graphile_worker.jobs where task_identifier in ('send_onesignal', 'mirror_tags')";
        while ((await valueOf(owner, left)) !== 0);
      } finally {
        await runners.stop();
      }
      t.like(await delivery(owner), { outcome: "delivered", attempts: 2 });
      t.is(oneSignal.received(alice).length, 1);
      t.deepEqual(oneSignal.user(alice).tags, { mono_sync_status: "auth_required" });
      t.is(
        await valueOf(owner, "select sync_status from app_public.accounts where id = $1", [account.accountId]),
        "auth_required",
      );
    },
    { isOff: true },
  ),
);

test.serial(
  "a malformed job ends with a reason",
  atPost(async (t, { owner, runJobs, logged }) => {
    await owner.query(`select graphile_worker.add_job('send_onesignal', '{"deliveryId": "x"}')`);
    await runJobs();
    t.regex(logged(), /malformed payload at deliveryId/);
    t.is(await valueOf(owner, "select count(*)::int from graphile_worker.jobs"), 0);
  }),
);

test.serial(
  "a worker that is stopping keeps what it was answered in the last moment, and hands back what it cut short",
  atPost(async (t, { owner, runtime }) => {
    await needsHer(owner);
    const id = String(await valueOf(owner, "select id from app_private.deliveries where channel = 'onesignal'"));
    const stopped = async (code: string, notBefore: string | null) => {
      const stopping = new AbortController();
      const oneSignal: OneSignalChannel = {
        send() {
          stopping.abort();
          return Promise.resolve({ kind: "retry", code, reason: "Not now.", notBefore });
        },
        mirrorTags: () => Promise.reject(new Error("nobody asks for tags here")),
      };
      const channels = { ...runtime.channels, oneSignal };
      await deliver({ ...runtime, channels }, "onesignal", id, { worker: "stopping", stopping: stopping.signal });
      return rowOf(
        owner,
        "select code, next_attempt_at, leased_until is not null as is_leased from app_private.deliveries where id = $1",
        [id],
      );
    };
    t.like(await stopped(INTERRUPTED, null), { code: null, is_leased: true });
    await owner.query("select app_private.stop_worker('stopping')");
    t.like(await stopped("rate_limited", "2026-03-10T20:00:00.000Z"), {
      code: "rate_limited",
      next_attempt_at: "2026-03-10 20:00:00+00",
      is_leased: false,
    });
  }),
);

test.serial(
  "a browser that is gone by the time its message would be sent is an outcome, not an accident",
  atPost(async (t, { owner, runtime, pushService }) => {
    const { endpoint, keys } = pushService.subscribe({ applicationServerKey: vapid.publicKey });
    await subscribe(owner, endpoint, keys);
    await needsHer(owner);
    const id = String(await valueOf(owner, "select id from app_private.deliveries where channel = 'web_push'"));
    // Its claim comes without the browser, which foreign key and lock together should rule out.
    await owner.query(
      `do $$ begin execute replace(
         pg_get_functiondef('app_private.begin_deliveries'::regproc), 'b.id = d.subscription_id', 'false'); end $$`,
    );
    await deliver(runtime, "web_push", id, { worker: "worker", stopping: new AbortController().signal });
    t.deepEqual(
      await rowOf(owner, "select outcome, code, leased_until from app_private.deliveries where id = $1", [id]),
      { outcome: "unreachable", code: "subscription_gone", leased_until: null },
    );
  }),
);

test.serial(
  "a channel that hangs fills its own slots: the other channel and webhooks wait for none of them",
  atPost(async (t, { owner, runtime, pushService }) => {
    const full = new EventEmitter();
    const hanging = await startStubServer(() => {
      full.emit("request");
      return "hang";
    });
    const http = createHttpClient();
    const oneSignal = createOneSignal({ http, baseUrl: hanging.url, appId: "app", apiKey: "key", deadlineMs: 600_000 });
    runtime.channels = { ...runtime.channels, oneSignal };
    const { endpoint, keys } = pushService.subscribe({ applicationServerKey: vapid.publicKey });
    await subscribe(owner, endpoint, keys);
    const others: Account[] = [];
    for (let n = 10; n < 22; n += 1) {
      others.push(await linkMono(owner, { userId: `b0b00000-0000-4000-8000-0000000000${n}` }));
    }
    const { accountId } = await linkMono(owner);
    await emptyQueue(owner);
    const runners = await startRunners({ runtime, platforms: [], concurrency: 1 });
    try {
      const asked = once(full, "request");
      await owner.query("select app_private.require_owner(id) from unnest($1::uuid[]) as a (id)", [
        others.map((account) => account.accountId),
      ]);
      await asked;
      while (hanging.requests.length < 4) await once(full, "request");

      const pushed = pushService.nextRequest(({ path }) => path.startsWith("/push/"));
      await owner.query("select app_private.require_owner($1)", [accountId]);
      await pushed;
      await owner.query("select graphile_worker.add_job('process_webhooks')");
      const left =
        "select count(*)::int, pg_sleep(0.01) from graphile_worker.jobs where task_identifier in ('process_webhooks', 'send_web_push')";
      while ((await valueOf(owner, left)) !== 0);
      t.like(await rowOf(owner, "select outcome from app_private.deliveries where channel = 'web_push'"), {
        outcome: "delivered",
      });
      t.is(hanging.requests.length, 4, "all of its slots hung meanwhile");
    } finally {
      await hanging.close();
      await runners.stop();
      await http.close();
    }
  }),
);

test.serial(
  "OneSignal's tags follow how her accounts stand, and only as far as she wants pushes there",
  atPost(async (t, { owner, oneSignal, pass }) => {
    oneSignal.putUser(alice);
    const account = await linkMono(owner);
    await emptyQueue(owner);
    const tags = async () => {
      await pass("1 minute");
      return oneSignal.user(alice).tags;
    };
    t.deepEqual(await tags(), { mono_sync_status: "active" });
    await fail(owner, await begin(owner, account), "auth_required");
    t.deepEqual(await tags(), { mono_sync_status: "auth_required" });
    const requests = oneSignal.state().requests;
    await pass("1 hour");
    t.deepEqual(oneSignal.state().requests, requests, "nothing new, no request");
    await finish(owner, await begin(owner, account));
    oneSignal.addFault({ kind: "503", match: { method: "PATCH" } });
    t.deepEqual(await tags(), { mono_sync_status: "auth_required" }, "not this time");
    await pass("1 hour");
    t.deepEqual(await tags(), { mono_sync_status: "active" });
    await asUser(owner, alice);
    await owner.query("select app_public.choose_notification_channel('mono', 'onesignal', false)");
    await asOwner(owner);
    t.deepEqual(await tags(), {});
  }),
);

test.serial(
  "whom OneSignal does not know is left alone until their accounts change",
  atPost(async (t, { owner, oneSignal, pass }) => {
    const account = await linkMono(owner);
    await emptyQueue(owner);
    await pass("1 minute");
    t.like(await rowOf(owner, "select * from app_private.tag_mirrors"), { next_attempt_at: null, mirrored_at: null });
    await pass("1 day");
    const asked = Object.values(oneSignal.state().requests).reduce((sum, count) => sum + count, 0);
    t.is(asked, 1);
    oneSignal.putUser(alice);
    await fail(owner, await begin(owner, account), "auth_required");
    await pass("1 minute");
    t.deepEqual(oneSignal.user(alice).tags, { mono_sync_status: "auth_required" });
  }),
);
