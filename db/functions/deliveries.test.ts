import test from "ava";
import type { Client } from "pg";
import {
  type ClaimedDelivery,
  type PushChannel,
  beginDeliveries,
  recordDeliveries,
  resumeDeliveries,
} from "../queries/deliveries.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService, asUser, asWorker } from "../testing/roles.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  emptyQueue,
  fail,
  finish,
  jobs,
  linkMomo,
  linkMono,
  noon,
  savePushSubscription,
  setClock,
} from "../testing/world.ts";

const endpoint = (name: string): string => `https://fcm.googleapis.com/fcm/send/${name}`;

/** Alice's account needs her; she has a browser for each name. Noon in Lagos: no quiet hours are near. */
async function needsHer(db: Client, browsers: string[] = []): Promise<Account> {
  await setClock(db, noon);
  const account = await linkMono(db);
  await asUser(db, alice);
  for (const name of browsers) await savePushSubscription(db, endpoint(name));
  await asOwner(db);
  await emptyQueue(db);
  await fail(db, await begin(db, account), "auth_required");
  return account;
}

const pass = (db: Client, interval: string) =>
  db.query("select app_private.set_clock(app_private.clock() + $1::interval)", [interval]);

const idsOf = (db: Client, channel: PushChannel) =>
  listOf(db, "select id from app_private.deliveries where channel = $1 order by created_at, subscription_id", [
    channel,
  ]);

async function claim(db: Client, channel: PushChannel, worker = "worker-1"): Promise<ClaimedDelivery[]> {
  return beginDeliveries(db, channel, worker, await idsOf(db, channel));
}

async function claimOne(db: Client, channel: PushChannel = "onesignal", worker = "worker-1"): Promise<ClaimedDelivery> {
  const [delivery, ...more] = await claim(db, channel, worker);
  if (delivery === undefined || more.length > 0) throw new Error(`${more.length} too many, or none`);
  return delivery;
}

const state = (db: Client, channel: PushChannel = "onesignal") =>
  rowOf(
    db,
    `select outcome, code, reason, attempts, next_attempt_at, held_by, leased_until is not null as is_leased, provider_message_id
     from app_private.deliveries where channel = $1`,
    [channel],
  );

const due = (db: Client) => valueOf(db, "select app_private.enqueue_due_deliveries()");

test(
  "one delivery a channel, and one a browser; each has its job, which carries its id and nothing else",
  withDb(async (t, db) => {
    await needsHer(db, ["phone", "laptop"]);
    t.deepEqual(
      await rowsOf(
        db,
        "select channel::text, outcome, count(*)::int from app_private.deliveries group by channel, outcome order by channel",
      ),
      [
        { channel: "in_app", outcome: "delivered", count: 1 },
        { channel: "onesignal", outcome: null, count: 1 },
        { channel: "web_push", outcome: null, count: 2 },
      ],
    );
    const expected = [
      ...(await idsOf(db, "onesignal")).map((id) => ["send_onesignal", { deliveryId: id }, `delivery:${id}`]),
      ...(await idsOf(db, "web_push")).map((id) => ["send_web_push", { deliveryId: id }, `delivery:${id}`]),
    ];
    const inOrder = (rows: unknown[]) => rows.map((one) => JSON.stringify(one)).toSorted();
    t.deepEqual(inOrder((await jobs(db)).map(({ task, payload, key }) => [task, payload, key])), inOrder(expected));
  }),
);

test(
  "a claim brings all that the message needs, and none of another person",
  withDb(async (t, db) => {
    const account = await needsHer(db, ["phone"]);
    await asUser(db, bob);
    await savePushSubscription(db, endpoint("of-bob"));
    await db.query("select app_public.choose_notification_settings('fr')");
    await asOwner(db);
    const [oneSignal, webPush] = [await claimOne(db), await claimOne(db, "web_push")];
    t.like(oneSignal, {
      attempt: 1,
      userId: alice,
      kind: "reauth_required",
      platform: "mono",
      accountId: account.accountId,
      accountName: "Salary",
      language: "en",
      params: {},
      subscription: null,
      now: new Date(noon),
      expiresAt: new Date("2026-03-13T12:00:00Z"),
    });
    t.regex(oneSignal.topic, /^[\w-]{1,32}$/);
    t.is(oneSignal.runId, String(await valueOf(db, "select max(id) from app_public.sync_logs")), "what it tells of");
    t.is(webPush.topic, oneSignal.topic, "both of the episode");
    t.is(webPush.subscription?.endpoint, endpoint("phone"));
    t.regex(webPush.subscription?.p256dh ?? "", /^[\w-]{87}$/);
  }),
);

test(
  "delivered is over: it is neither claimed nor dispatched nor changed again",
  withDb(async (t, db) => {
    await needsHer(db);
    const { id, attempt } = await claimOne(db);
    t.deepEqual(await recordDeliveries(db, [{ id, attempt, kind: "delivered", providerMessageId: "m1" }]), [
      { id, outcome: "ok" },
    ]);
    const over = await state(db);
    t.like(over, { outcome: "delivered", provider_message_id: "m1", next_attempt_at: null, is_leased: false });
    await pass(db, "1 day");
    t.deepEqual(await claim(db, "onesignal"), []);
    t.is(await due(db), 0);
    t.deepEqual(await recordDeliveries(db, [{ id, attempt, kind: "refused", code: "x", reason: "x" }]), [
      { id, outcome: "lost" },
    ]);
    t.deepEqual(await state(db), over);
  }),
);

test(
  "a failed attempt waits longer each time, in a column, or until the channel wants it; the dispatcher adds the job then",
  withDb(async (t, db) => {
    await needsHer(db);
    const delays: number[] = [];
    for (let n = 1; n <= 6; n += 1) {
      const { id, attempt } = await claimOne(db);
      t.is(attempt, n);
      await recordDeliveries(db, [{ id, attempt, kind: "retry", code: "503", reason: "Unavailable." }]);
      await emptyQueue(db);
      t.is(await due(db), 0);
      delays.push(
        Number(
          await valueOf(
            db,
            "select extract(epoch from next_attempt_at - app_private.clock()) from app_private.deliveries where outcome is null",
          ),
        ),
      );
      await setClock(db, String((await state(db)).next_attempt_at));
      t.is(await due(db), 1);
      t.is((await jobs(db)).length, 1);
      t.is(await due(db), 0, "its job waits in the queue");
    }
    t.deepEqual(
      delays,
      delays.toSorted((a, b) => a - b),
    );
    t.true((delays[0] ?? 0) >= 48 && (delays[0] ?? 0) <= 72);

    const { id, attempt } = await claimOne(db);
    const at = String(await valueOf(db, "select app_private.clock() + interval '10 hours'"));
    await recordDeliveries(db, [{ id, attempt, kind: "retry", code: "429", reason: "Slow down.", notBefore: at }]);
    t.like(await state(db), { next_attempt_at: at, code: "429", reason: "Slow down.", outcome: null });
  }),
);

test(
  "a channel that asks for a year is asked again in a day; a key of ours that is wrong is tried again as well",
  withDb(async (t, db) => {
    await needsHer(db);
    const first = await claimOne(db);
    await recordDeliveries(db, [
      { id: first.id, attempt: 1, kind: "retry", code: "429", reason: "…", notBefore: "2027-03-10T12:00:00Z" },
    ]);
    t.like(await state(db), { next_attempt_at: "2026-03-11 12:00:00+00" });
    await pass(db, "1 day");
    const second = await claimOne(db);
    await recordDeliveries(db, [
      { id: second.id, attempt: 2, kind: "configuration", code: "403", reason: "OneSignal refuses our key." },
    ]);
    t.like(await state(db), { outcome: null, code: "403", attempts: 2 });
  }),
);

test(
  "a key of ours that is missing: the delivery waits longer each time, is seen, and goes on when a worker with keys begins",
  withDb(async (t, db) => {
    await needsHer(db, ["phone"]);
    const seen = (channel: PushChannel) =>
      rowOf(db, "select open::int, needs_operator::int, problem from app_admin.deliveries where channel::text = $1", [
        channel,
      ]);
    const missing = { kind: "configuration", code: "not_set_up", reason: "There are no keys." } as const;
    const waits: number[] = [];
    for (let n = 1; n <= 3; n += 1) {
      const { id, attempt } = await claimOne(db);
      await recordDeliveries(db, [{ id, attempt, ...missing }]);
      waits.push(
        Number(
          await valueOf(
            db,
            "select extract(epoch from next_attempt_at - app_private.clock()) from app_private.deliveries where needs_operator",
          ),
        ),
      );
      await pass(db, "10 minutes");
    }
    t.true(
      waits.every((wait, n) => wait > 45 && wait > (waits[n - 1] ?? 0)),
      waits.join(),
    );
    t.deepEqual(await seen("onesignal"), { open: 1, needs_operator: 1, problem: "There are no keys." });
    t.deepEqual(await seen("web_push"), { open: 1, needs_operator: 0, problem: null });

    const { id, attempt } = await claimOne(db);
    await recordDeliveries(db, [{ id, attempt, ...missing }]);
    await emptyQueue(db);
    t.is(await resumeDeliveries(db, ["web_push"], 10), 0, "these keys are none of it");
    t.is(await due(db), 0);
    t.is(await resumeDeliveries(db, ["onesignal", "web_push"], 10), 1);
    t.is(await resumeDeliveries(db, ["onesignal", "web_push"], 10), 0, "once");
    t.is(await due(db), 1);
    const again = await claimOne(db);
    t.is(again.id, id, "the same key: whoever has it already shows it once");
    await recordDeliveries(db, [{ id, attempt: again.attempt, ...missing }]);
    await pass(db, "3 days");
    t.deepEqual(await claim(db, "onesignal"), []);
    t.like(await state(db), { outcome: "expired", code: "too_late", reason: "There are no keys." });
    t.deepEqual(await seen("onesignal"), { open: 0, needs_operator: 0, problem: null });
    t.is(await resumeDeliveries(db, ["onesignal"], 10), 0, "what is over stays so");
  }),
);

test(
  "what waits for keys waits for the morning as well",
  withDb(async (t, db) => {
    await needsHer(db);
    const { id } = await claimOne(db);
    await recordDeliveries(db, [{ id, attempt: 1, kind: "configuration", code: "http_403", reason: "…" }]);
    await setClock(db, "2026-03-10T23:00:00Z");
    t.is(await resumeDeliveries(db, ["onesignal"], 10), 1);
    t.deepEqual(await claim(db, "onesignal"), []);
    t.like(await state(db), { next_attempt_at: "2026-03-11 06:00:00+00", attempts: 1 });
  }),
);

test(
  "nobody there, or a message that is refused, ends this delivery only, with its reason; a browser that is gone is forgotten",
  withDb(async (t, db) => {
    await needsHer(db, ["gone", "there"]);
    const { id, attempt } = await claimOne(db);
    await recordDeliveries(db, [
      {
        id,
        attempt,
        kind: "unreachable",
        code: "not_subscribed",
        reason: "All included players are not subscribed",
        removeSubscription: false,
      },
    ]);
    t.like(await state(db), { outcome: "unreachable", code: "not_subscribed" });
    const [gone, there] = await claim(db, "web_push");
    if (gone === undefined || there === undefined) throw new Error("two browsers");
    await recordDeliveries(db, [
      {
        id: gone.id,
        attempt: 1,
        kind: "unreachable",
        code: "410",
        reason: "The subscription is gone.",
        removeSubscription: true,
      },
      { id: there.id, attempt: 1, kind: "delivered", providerMessageId: null },
    ]);
    t.deepEqual(
      await rowsOf(db, "select outcome, code from app_private.deliveries where channel = 'web_push' order by outcome"),
      [
        { outcome: "delivered", code: null },
        { outcome: "unreachable", code: "410" },
      ],
    );
    t.deepEqual(await rowsOf(db, "select endpoint, last_delivered_at from app_public.push_subscriptions"), [
      { endpoint: there.subscription?.endpoint, last_delivered_at: "2026-03-10 12:00:00+00" },
    ]);
  }),
);

test(
  "a browser that was unsubscribed, or where somebody else signed in, gets nothing of what waited for it",
  withDb(async (t, db) => {
    await needsHer(db, ["shared"]);
    await asUser(db, bob);
    await savePushSubscription(db, endpoint("shared"));
    await asOwner(db);
    t.deepEqual(await claim(db, "web_push"), []);
    t.like(await state(db, "web_push"), { outcome: "unreachable", code: "subscription_gone", attempts: 0 });
    t.is((await claim(db, "onesignal")).length, 1, "no other channel is stopped");
  }),
);

test(
  "a browser that is removed at the very moment of a claim: either the claim has all of it, or it is an outcome",
  twoSessions(async (t, a, b) => {
    await needsHer(a, ["first", "second"]);
    const [first = "", second = ""] = await idsOf(a, "web_push");
    const remove = (by: Client, name: string) =>
      by.query("delete from app_public.push_subscriptions where endpoint = $1", [endpoint(name)]);

    await a.query("begin");
    await remove(a, "first");
    const late = beginDeliveries(b, "web_push", "worker-b", [first]);
    await a.query("commit");
    t.deepEqual(await late, []);
    t.deepEqual(await rowOf(a, "select outcome, code from app_private.deliveries where id = $1", [first]), {
      outcome: "unreachable",
      code: "subscription_gone",
    });

    await b.query("begin");
    const [claimed] = await beginDeliveries(b, "web_push", "worker-b", [second]);
    t.is(claimed?.subscription?.endpoint, endpoint("second"));
    const removal = remove(a, "second");
    await b.query("commit");
    await removal;
    const gone = { kind: "unreachable", code: "http_410", reason: "Gone.", removeSubscription: true } as const;
    t.deepEqual(await recordDeliveries(b, [{ id: second, attempt: 1, ...gone }]), [{ id: second, outcome: "ok" }]);
  }),
);

test(
  "two messages find the same browser gone at the same moment: each is recorded, and neither waits for the other's end",
  twoSessions(async (t, a, b, cloned) => {
    const account = await needsHer(a, ["phone"]);
    await a.query("delete from app_private.auth_episodes");
    await a.query("select app_private.require_owner($1)", [account.accountId]);
    const claimed = await claim(a, "web_push");
    const [one, other] = claimed;
    if (one === undefined || other === undefined || claimed.length > 2) throw new Error("two messages to one browser");
    const record = (by: Client, { id }: ClaimedDelivery) =>
      recordDeliveries(by, [
        { id, attempt: 1, kind: "unreachable", code: "http_410", reason: "Gone.", removeSubscription: true },
      ]);
    const pids = [await valueOf(a, "select pg_backend_pid()"), await valueOf(b, "select pg_backend_pid()")];
    const holder = await cloned.connect("app_owner");
    await holder.query("begin");
    await holder.query("select from app_public.push_subscriptions for update");
    const both = Promise.all([record(a, one), record(b, other)]);
    // Both have got as far as the browser.
    const waiting = "select cardinality(pg_blocking_pids($1)) > 0 and cardinality(pg_blocking_pids($2)) > 0";
    while ((await valueOf(holder, waiting, pids)) !== true);
    await holder.query("commit");
    t.deepEqual(await both, [[{ id: one.id, outcome: "ok" }], [{ id: other.id, outcome: "ok" }]]);
    t.deepEqual(await rowsOf(a, "select outcome from app_private.deliveries where channel = 'web_push'"), [
      { outcome: "unreachable" },
      { outcome: "unreachable" },
    ]);
  }),
);

test(
  "what its user does not want is not written, and what they no longer want is not sent",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [bank, wallet] = [await linkMono(db), await linkMomo(db)];
    const choose = async (sql: string) => {
      await asUser(db, alice);
      await db.query(`select ${sql}`);
      await asOwner(db);
    };
    await asUser(db, alice);
    await savePushSubscription(db, endpoint("phone"));
    await asOwner(db);
    await choose("app_public.choose_notification_channel('mono', 'onesignal', false)");
    await choose("app_public.choose_sync_settings('mtn_momo', notifications_enabled => false)");
    await fail(db, await begin(db, bank), "auth_required");
    await fail(db, await begin(db, wallet, "worker-1", "mtn_momo"), "auth_required");
    t.deepEqual(
      await rowsOf(
        db,
        `select n.platform_source::text as platform, d.channel::text from app_private.deliveries d
         join app_public.notifications n on n.id = d.notification_id order by 1, 2`,
      ),
      [
        { platform: "mono", channel: "in_app" },
        { platform: "mono", channel: "web_push" },
        { platform: "mtn_momo", channel: "in_app" },
      ],
    );
    for (const [call, undone, code] of [
      [
        "app_public.choose_notification_settings(paused => true)",
        "app_public.choose_notification_settings(paused => false)",
        "paused",
      ],
      [
        "app_public.choose_sync_settings('mono', notifications_enabled => false)",
        "app_public.choose_sync_settings('mono')",
        "platform_off",
      ],
      [
        "app_public.choose_notification_channel('mono', 'web_push', false)",
        "app_public.choose_notification_channel('mono', 'web_push', true)",
        "channel_off",
      ],
    ] as const) {
      await db.query("savepoint before");
      await choose(call);
      t.deepEqual(await claim(db, "web_push"), [], code);
      const { reason, ...found } = await state(db, "web_push");
      t.like(found, { outcome: "suppressed", code });
      t.regex(String(reason), /^Its user .*\.$/);
      await choose(undone);
      t.deepEqual(await claim(db, "web_push"), [], "said once, it holds for this message");
      await db.query("rollback to savepoint before");
    }
    t.is((await claim(db, "web_push")).length, 1, "the control");
  }),
);

test(
  "paused: nothing is pushed, and the feed goes on",
  withDb(async (t, db) => {
    await asUser(db, alice);
    await db.query("select app_public.choose_notification_settings(paused => true)");
    await asOwner(db);
    await needsHer(db, ["phone"]);
    t.deepEqual(await listOf(db, "select channel from app_private.deliveries"), ["in_app"]);
    t.deepEqual(await jobs(db), []);
    await asUser(db, alice);
    t.is(await valueOf(db, "select app_public.unread_notifications()"), 1);
  }),
);

test(
  "what is over before it is sent is not sent: the account works again, the bank is back, it is too late",
  withDb(async (t, db) => {
    const account = await needsHer(db);
    await db.query("savepoint before");
    await finish(db, await begin(db, account));
    t.deepEqual(await claim(db, "onesignal"), []);
    t.like(await state(db), { outcome: "superseded", code: "recovered" });
    await db.query("rollback to savepoint before");
    await db.query("select app_private.unlink_accounts(array[$1::uuid])", [account.accountId]);
    t.deepEqual(await claim(db, "onesignal"), []);
    t.like(await state(db), { outcome: "superseded", code: "unlinked" });
    await db.query("rollback to savepoint before");
    await pass(db, "3 days");
    t.deepEqual(await claim(db, "onesignal"), []);
    t.like(await state(db), { outcome: "expired", code: "too_late" });
    await db.query("rollback to savepoint before");
    t.is((await claim(db, "onesignal")).length, 1, "the control");
  }),
);

test(
  "an outage is pushed when it lasts, and that it is over only where it was pushed",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts: Account[] = [];
    for (let n = 0; n < 5; n += 1) accounts.push(await linkMono(db, { institutionCode: "058", institution: "GTBank" }));
    await asUser(db, alice);
    await savePushSubscription(db, endpoint("phone"));
    await asOwner(db);
    await emptyQueue(db);
    for (const account of accounts) await fail(db, await begin(db, account), "transient");
    t.deepEqual(await jobs(db), [], "not yet");
    t.like(await state(db), { next_attempt_at: "2026-03-10 12:05:00+00" });
    const back = async () => {
      const [first] = accounts;
      if (first !== undefined) await finish(db, await begin(db, first));
    };
    await db.query("savepoint before");
    await pass(db, "2 minutes");
    await back();
    await pass(db, "10 minutes");
    t.deepEqual(await claim(db, "onesignal"), []);
    t.deepEqual(
      await listOf(
        db,
        "select channel from app_private.deliveries d join app_public.notifications n on n.id = notification_id where kind = 'provider_recovered'",
      ),
      ["in_app"],
      "nobody's phone rang, and none has to be called off",
    );
    await db.query("rollback to savepoint before");
    await pass(db, "5 minutes");
    t.is(await due(db), 2);
    const { id } = await claimOne(db);
    await recordDeliveries(db, [{ id, attempt: 1, kind: "delivered" }]);
    await back();
    t.deepEqual(
      await listOf(
        db,
        "select channel from app_private.deliveries d join app_public.notifications n on n.id = notification_id where kind = 'provider_recovered' order by channel",
      ),
      ["in_app", "onesignal"],
    );
  }),
);

test(
  "a push waits for the morning of its user's zone, the feed does not; who reaches for it at night finds it quiet",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-10T20:59:59Z");
    const account = await linkMono(db);
    await setClock(db, "2026-03-10T21:00:00Z");
    await emptyQueue(db);
    await fail(db, await begin(db, account), "auth_required");
    t.deepEqual(await jobs(db), [], "22:00 in Lagos");
    t.like(await state(db), { next_attempt_at: "2026-03-11 06:00:00+00" });
    await asUser(db, alice);
    t.is(await valueOf(db, "select app_public.unread_notifications()"), 1);
    await db.query("select app_public.choose_notification_settings(time_zone => 'Asia/Tokyo')");
    await asOwner(db);
    await setClock(db, "2026-03-11T21:59:59Z");
    t.is(await due(db), 1);
    t.deepEqual(await claim(db, "onesignal"), [], "06:59:59 in Tokyo");
    t.like(await state(db), { next_attempt_at: "2026-03-11 22:00:00+00", attempts: 0 });
    await setClock(db, "2026-03-11T22:00:00Z");
    t.is((await claim(db, "onesignal")).length, 1);
  }),
);

test(
  "two workers at the same delivery: one sends, and the other finds it taken",
  twoSessions(async (t, a, b) => {
    await needsHer(a);
    const ids = await idsOf(a, "onesignal");
    await a.query("begin");
    t.is((await beginDeliveries(a, "onesignal", "worker-a", ids)).length, 1);
    t.is(await due(b), 0, "the dispatcher does not wait for that");
    const second = beginDeliveries(b, "onesignal", "worker-b", ids);
    await a.query("commit");
    t.deepEqual(await second, []);
    t.deepEqual(await beginDeliveries(b, "onesignal", "worker-b", ids), []);
    t.is(await due(b), 0);
  }),
);

test(
  "a claim that meets a rolled-back one gets the delivery",
  twoSessions(async (t, a, b) => {
    await needsHer(a);
    const ids = await idsOf(a, "onesignal");
    await a.query("begin");
    await beginDeliveries(a, "onesignal", "worker-a", ids);
    const second = beginDeliveries(b, "onesignal", "worker-b", ids);
    await a.query("rollback");
    t.deepEqual(
      (await second).map(({ id }) => id),
      ids,
    );
  }),
);

test(
  "a dead worker's delivery is taken again, with the same key; its late word counts if it delivered, and else not",
  twoSessions(async (t, a, b) => {
    await needsHer(a);
    const dead = await claimOne(a, "onesignal", "dead");
    await a.query(
      "insert into app_private.workers (worker_id, runner, beat_at) values ('dead', 'general', now() - interval '1 minute')",
    );
    await emptyQueue(a);
    await b.query("select * from app_private.beat('alive', 'general')");
    t.is((await jobs(a)).length, 1);
    const again = await claimOne(b, "onesignal", "alive");
    t.is(again.id, dead.id);
    t.is(again.attempt, 2);
    const late = (kind: "retry" | "delivered") =>
      recordDeliveries(a, [{ id: dead.id, attempt: dead.attempt, kind, code: "x", reason: "x" }]);
    t.deepEqual(await late("retry"), [{ id: dead.id, outcome: "lost" }]);
    t.like(await state(a), { held_by: "alive", outcome: null });
    t.deepEqual(await late("delivered"), [{ id: dead.id, outcome: "ok" }]);
    t.deepEqual(await recordDeliveries(b, [{ id: again.id, attempt: 2, kind: "retry", code: "x", reason: "x" }]), [
      { id: again.id, outcome: "lost" },
    ]);
    t.like(await state(a), { outcome: "delivered" });
  }),
);

test(
  "a relapse at the very moment at which a message is called off as over: it is on its way again",
  twoSessions(async (t, a, b) => {
    const account = await needsHer(a);
    await finish(a, await begin(a, account));
    const ids = await idsOf(a, "onesignal");
    await a.query("begin");
    t.deepEqual(await beginDeliveries(a, "onesignal", "worker-a", ids), [], "it works again, for all we know");
    const relapse = b.query("select app_private.require_owner($1)", [account.accountId]);
    await a.query("commit");
    await relapse;
    t.like(await state(a), { outcome: null });
    t.deepEqual([(await claimOne(a)).id], ids);
  }),
);

test(
  "a message that is claimed at the very moment of a relapse is not called off",
  twoSessions(async (t, a, b) => {
    const account = await needsHer(a);
    await finish(a, await begin(a, account));
    const ids = await idsOf(a, "onesignal");
    await b.query("begin");
    await b.query("select app_private.require_owner($1)", [account.accountId]);
    const claimed = beginDeliveries(a, "onesignal", "worker-a", ids);
    await b.query("commit");
    t.deepEqual(
      (await claimed).map(({ id }) => id),
      ids,
    );
  }),
);

test(
  "a lease that nobody gave back ends by itself, and a worker that stops gives its own back",
  twoSessions(async (t, a, b) => {
    await needsHer(a);
    await claimOne(a, "onesignal", "stopping");
    t.is(await due(b), 0);
    await b.query("select app_private.stop_worker('stopping')");
    await claimOne(b, "onesignal", "lost");
    await a.query("update app_private.deliveries set leased_until = now() - interval '1 second' where outcome is null");
    t.is(await due(a), 1);
    t.is((await claimOne(a, "onesignal", "third")).attempt, 3);
  }),
);

test(
  "the worker sends; nobody else claims, records or reads deliveries",
  withDb(async (t, db) => {
    await needsHer(db);
    const [id] = await idsOf(db, "onesignal");
    for (const become of [() => asUser(db, alice), () => asService(db)]) {
      await become();
      for (const call of [
        `select app_private.begin_deliveries('onesignal', 'w', '{${id}}')`,
        "select app_private.record_deliveries('[]')",
        "select app_private.enqueue_due_deliveries()",
        "select app_private.remind_owners()",
        "select from app_private.deliveries",
      ]) {
        t.is((await refusalOf(db, () => db.query(call))).code, "42501", call);
      }
    }
    await asWorker(db);
    t.is((await beginDeliveries(db, "onesignal", "w", [id ?? ""])).length, 1);
  }),
);
