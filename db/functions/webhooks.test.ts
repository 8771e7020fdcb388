import { randomBytes, randomUUID } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { trackReference } from "../queries/links.ts";
import { resumeSyncs, suspendSyncs } from "../queries/runs.ts";
import { processWebhooks, receiveWebhooks, type Webhook } from "../queries/webhooks.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService, asUser, asWorker } from "../testing/roles.ts";
import {
  type Account,
  accountRow,
  alice,
  begin,
  emptyQueue,
  fail,
  finish,
  jobs,
  leaseOf,
  linkMomo,
  linkMono,
  noon,
  runRows,
  setClock,
  stateRow,
} from "../testing/world.ts";

const HOUR_LATER = "2026-03-10T13:00:00.000Z";
const JOB = "66f3d4b3305261f275";

const monoId = (account: Account): string => `mono-${account.accountId}`;

function webhook(event: string, fields: Partial<Webhook> = {}): Webhook {
  return {
    platform: "mono",
    dedupeKey: randomUUID(),
    bodyHmac: randomBytes(32).toString("base64"),
    event,
    ...fields,
  };
}

const updated = (account: Account, fields: Partial<Webhook> = {}): Webhook =>
  webhook("mono.events.account_updated", {
    providerAccountId: monoId(account),
    eventId: randomBytes(20).toString("hex"),
    dataStatus: "AVAILABLE",
    ...fields,
  });

const jobUpdate = (account: Account, fields: Partial<Webhook> = {}): Webhook =>
  webhook("mono.accounts.jobs.update", {
    providerAccountId: monoId(account),
    jobId: JOB,
    status: "finished",
    ...fields,
  });

/** Received as the server does it and judged as the worker does it; answers the outcomes, oldest first. */
async function tell(db: Client, ...webhooks: Webhook[]): Promise<unknown[]> {
  await asService(db);
  await receiveWebhooks(db, webhooks);
  await asWorker(db);
  await processWebhooks(db, 500);
  await asOwner(db);
  const rows = await rowsOf(db, "select outcome from app_private.webhooks where dedupe_key = any ($1) order by id", [
    webhooks.map(({ dedupeKey }) => dedupeKey),
  ]);
  return rows.map(({ outcome }) => outcome);
}

/** Linked at noon and synced then; now it is an hour later and the queue is empty. */
async function synced(db: Client, state: Record<string, string> = {}): Promise<Account> {
  await setClock(db, noon);
  const account = await linkMono(db);
  await finish(db, leaseOf(await begin(db, account)), { state });
  await setClock(db, HOUR_LATER);
  await emptyQueue(db);
  return account;
}

/** An account whose run waits for JOB. */
async function waiting(db: Client): Promise<Account & { runId: string }> {
  await setClock(db, noon);
  const account = await linkMono(db);
  const lease = leaseOf(await begin(db, account));
  await setClock(db, "2026-03-10T12:00:05Z");
  await suspendSyncs(db, [{ ...lease, until: "2026-03-10T12:00:25Z", state: { jobId: JOB } }]);
  await emptyQueue(db);
  return { ...account, runId: lease.runId };
}

const syncJob = (account: Account, payload: object) => ({
  task: "mono_sync",
  payload: { accountId: account.accountId, ...payload },
  key: `sync:${account.accountId}`,
  priority: -10,
  max_attempts: 3,
});

const syncJobs = async (db: Client) =>
  (await jobs(db)).filter(({ task }) => task !== "process_webhooks" && task !== "send_onesignal");

test(
  "news asks for a sync, first in line; the same event again changes nothing",
  withDb(async (t, db) => {
    const account = await synced(db);
    const news = updated(account, { syncStatus: "SUCCESSFUL", hasNewData: true, jobId: "somebody-elses" });
    t.deepEqual(await tell(db, news), ["queued"]);
    t.deepEqual(await syncJobs(db), [syncJob(account, { trigger: "webhook" })]);
    await emptyQueue(db);
    await asService(db);
    t.is(await receiveWebhooks(db, [news, { ...news, bodyHmac: randomBytes(32).toString("base64") }]), 0);
    await asOwner(db);
    t.deepEqual(await jobs(db), []);
    t.is(await valueOf(db, "select count(*) from app_private.webhooks"), "1");
  }),
);

test(
  "a batch is one job, however many there are",
  withDb(async (t, db) => {
    const account = await synced(db);
    const many = Array.from({ length: 50 }, () => updated(account));
    await asService(db);
    t.is(await receiveWebhooks(db, [...many, ...many]), 50);
    t.is(await receiveWebhooks(db, many), 0);
    await asOwner(db);
    t.deepEqual(
      (await jobs(db)).map(({ task }) => task),
      ["process_webhooks"],
    );
    await asWorker(db);
    t.is(await processWebhooks(db, 40), 40);
    t.is(await processWebhooks(db, 40), 10);
    t.is(await processWebhooks(db, 40), 0);
    await asOwner(db);
    t.is((await syncJobs(db)).length, 1);
  }),
);

test(
  "too soon after the last attempt: due when the cooldown ends",
  withDb(async (t, db) => {
    const account = await synced(db);
    await setClock(db, "2026-03-10T12:02:00Z");
    t.deepEqual(await tell(db, updated(account)), ["deferred"]);
    t.deepEqual(await syncJobs(db), []);
    t.is((await stateRow(db, account)).next_sync_at, "2026-03-10 12:05:00+00");
  }),
);

test(
  "a run that waits goes on at once, whichever of a refresh's two events comes, and once",
  withDb(async (t, db) => {
    for (const event of [jobUpdate, updated]) {
      const account = await waiting(db);
      t.deepEqual(await tell(db, event(account, { jobId: JOB })), ["resumed"]);
      t.deepEqual(await syncJobs(db), [syncJob(account, { runId: account.runId })]);
      const [resumed] = await resumeSyncs(db, "mono", "worker-2", [account]);
      t.is(resumed?.outcome, "begun");
      t.deepEqual(await tell(db, event(account, { jobId: JOB })), ["run_held"], "the other one comes while it works");
    }
  }),
);

test(
  "a failed job resumes its run as well, a processing one and another job's do not",
  withDb(async (t, db) => {
    const account = await waiting(db);
    t.deepEqual(await tell(db, jobUpdate(account, { status: "processing" })), ["nothing"]);
    t.deepEqual(await tell(db, jobUpdate(account, { jobId: "another" })), ["running"]);
    t.deepEqual(await syncJobs(db), []);
    t.deepEqual(await tell(db, jobUpdate(account, { status: "failed" })), ["resumed"]);
    t.is((await syncJobs(db)).length, 1);
  }),
);

test(
  "a webhook that comes while the run is at work wakes it when it begins to wait, once; an older one does not",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const early = leaseOf(await begin(db, account));
    t.deepEqual(await tell(db, jobUpdate(account, { jobId: "of the first run".replaceAll(" ", "-") })), ["run_held"]);
    await finish(db, early);
    await setClock(db, HOUR_LATER);
    const lease = leaseOf(await begin(db, account));
    const until = "2026-03-10T13:00:20.000Z";
    await emptyQueue(db);
    await suspendSyncs(db, [{ ...lease, until, state: { jobId: JOB } }]);
    t.deepEqual(await syncJobs(db), [{ ...syncJob(account, { runId: lease.runId }), priority: 0 }], "it waits");
    t.is((await stateRow(db, account)).next_sync_at, "2026-03-10 13:00:20+00");

    const again = async (): Promise<string> => {
      const [answer] = await resumeSyncs(db, "mono", "worker-1", [lease]);
      if (answer?.outcome !== "begun") throw new Error("not resumed");
      if (answer.details.epoch === lease.epoch + 1) await tell(db, jobUpdate(account));
      await emptyQueue(db);
      await suspendSyncs(db, [{ ...leaseOf(answer.details), until, state: { jobId: JOB } }]);
      return String((await stateRow(db, account)).next_sync_at);
    };
    t.is(await again(), "2026-03-10 13:00:00+00", "woken");
    t.is(await again(), "2026-03-10 13:00:20+00", "and not again");
  }),
);

test(
  "the echo of our own refresh asks for nothing; news that its run did not wait for does",
  withDb(async (t, db) => {
    const read = await synced(db, { jobId: JOB, jobStartedAt: noon, dataAsOf: noon });
    t.deepEqual(
      await tell(db, jobUpdate(read), updated(read, { jobId: JOB, hasNewData: true, syncStatus: "SUCCESSFUL" })),
      ["nothing", "nothing"],
    );
    const gaveUp = await synced(db, { jobId: JOB, jobStartedAt: noon });
    t.deepEqual(await tell(db, jobUpdate(gaveUp)), ["nothing"]);
    t.deepEqual(await tell(db, updated(gaveUp, { jobId: JOB, syncStatus: "SUCCESSFUL" })), ["nothing"]);
    t.deepEqual(await syncJobs(db), []);
    t.deepEqual(await tell(db, updated(gaveUp, { jobId: JOB, hasNewData: true })), ["queued"]);
  }),
);

test(
  "the end of a consent opens one episode, by webhook alone, and changes no schedule",
  withDb(async (t, db) => {
    const account = await synced(db);
    const before = (await stateRow(db, account)).next_sync_at;
    const ended = () => updated(account, { syncStatus: "REAUTHORISATION_REQUIRED" });
    t.deepEqual(await tell(db, ended(), ended()), ["needs_you", "needs_you"]);
    t.is((await accountRow(db, account)).sync_status, "auth_required");
    t.like(await rowOf(db, "select * from app_private.auth_episodes"), {
      account_id: account.accountId,
      detected_by: null,
      recovered_at: null,
    });
    t.like(await stateRow(db, account), { next_sync_at: before, last_failure_kind: "auth_required", failures: 0 });
    t.is((await accountRow(db, account)).last_synced_at, "2026-03-10 12:00:00+00");
    t.deepEqual(await syncJobs(db), []);
    await finish(db, leaseOf(await begin(db, account)));
    t.is((await accountRow(db, account)).sync_status, "active");
    t.not(await valueOf(db, "select recovered_at from app_private.auth_episodes"), null);
  }),
);

test(
  "late news of an end that a sync disproved is no alarm, and worth a look",
  withDb(async (t, db) => {
    const account = await synced(db);
    const late = { syncStatus: "REAUTHORISATION_REQUIRED", occurredAt: "2026-03-10T11:59:00Z" };
    t.deepEqual(await tell(db, updated(account, late)), ["queued"]);
    t.is((await accountRow(db, account)).sync_status, "active");
    const legacy = webhook("mono.events.reauthorisation_required", { providerAccountId: monoId(account) });
    t.deepEqual(await tell(db, legacy), ["needs_you"], "an event without a time speaks for the moment it came");
  }),
);

test(
  "a run that waits while its consent ends is told at once",
  withDb(async (t, db) => {
    const account = await waiting(db);
    t.deepEqual(await tell(db, updated(account, { jobId: JOB, syncStatus: "REAUTHORISATION_REQUIRED" })), [
      "needs_you",
    ]);
    t.is((await accountRow(db, account)).sync_status, "auth_required");
    t.deepEqual(await syncJobs(db), [syncJob(account, { runId: account.runId })]);
    t.is((await runRows(db, account))[0]?.status, "in_progress");
  }),
);

/** Synced at noon, then found expired at one o'clock. */
async function expired(db: Client): Promise<Account> {
  const account = await synced(db);
  await fail(db, leaseOf(await begin(db, account)), "auth_required");
  await setClock(db, "2026-03-10T13:01:00Z");
  await emptyQueue(db);
  return account;
}

test(
  "the owner came back: a sync at once, within the cooldown, in either order; an early renewal waits for it",
  withDb(async (t, db) => {
    const renewed = (account: Account) =>
      webhook("mono.events.account_reauthorized", { providerAccountId: monoId(account), eventId: randomUUID() });

    const fresh = async (account: Account) =>
      valueOf(db, "select provider_state ->> 'refreshedAt' from app_private.sync_states where account_id = $1", [
        account.accountId,
      ]);
    const first = await expired(db);
    t.deepEqual(await tell(db, renewed(first)), ["deferred"], "Mono would only repeat that its refresh failed");
    t.is(await fresh(first), null);
    t.deepEqual(await tell(db, updated(first)), ["queued"], "the account is usable only now");
    t.is(await fresh(first), "2026-03-10T13:01:00.000Z");
    t.is((await syncJobs(db)).length, 1);

    const second = await expired(db);
    t.deepEqual(await tell(db, updated(second)), ["deferred"], "an update alone is not their word");
    t.deepEqual(await tell(db, renewed(second)), ["queued"]);
    t.is(await fresh(second), "2026-03-10T13:01:00.000Z");

    const third = await expired(db);
    t.deepEqual(await tell(db, updated(third, { syncStatus: "SUCCESSFUL" })), ["queued"], "the other one was lost");
    const fourth = await expired(db);
    t.deepEqual(await tell(db, updated(fourth, { syncStatus: "SUCCESSFUL", jobId: "j", hasNewData: true })), [
      "deferred",
    ]);
    const late = await expired(db);
    await setClock(db, "2026-03-10T13:05:00Z");
    t.deepEqual(await tell(db, renewed(late)), ["queued"], "the cooldown is over");

    const early = await synced(db);
    await setClock(db, "2026-03-10T12:01:00Z");
    t.deepEqual(await tell(db, renewed(early)), ["deferred"]);
    t.is((await accountRow(db, early)).sync_status, "active");
  }),
);

test(
  "what asks for nothing: connected, a failed refresh, data that is still being fetched",
  withDb(async (t, db) => {
    const account = await synced(db);
    t.deepEqual(
      await tell(
        db,
        webhook("mono.events.account_connected", { providerAccountId: monoId(account), dataStatus: "PROCESSING" }),
        webhook("mono.events.sync_failed", { providerAccountId: monoId(account) }),
        updated(account, { dataStatus: "PROCESSING" }),
        updated(account, { syncStatus: "FAILED" }),
        updated(account, { jobId: "x", syncStatus: "SUCCESSFUL" }),
      ),
      ["nothing", "nothing", "nothing", "nothing", "nothing"],
    );
    t.deepEqual(await syncJobs(db), []);
    t.deepEqual(await tell(db, webhook("mono.events.account_unlinked", { providerAccountId: monoId(account) })), [
      "queued",
    ]);
  }),
);

test(
  "an event that nobody knows is kept by its name; an unlinked account stays unlinked; a paused one stays paused",
  withDb(async (t, db) => {
    const account = await synced(db);
    t.deepEqual(await tell(db, webhook("mono.events.something_new", { providerAccountId: monoId(account) })), [
      "ignored",
    ]);
    await db.query("update app_public.accounts set paused_at = now()");
    t.deepEqual(await tell(db, updated(account)), ["paused"]);
    await db.query("update app_public.accounts set paused_at = null, unlinked_at = now()");
    const ended = updated(account, { syncStatus: "REAUTHORISATION_REQUIRED" });
    t.deepEqual(await tell(db, updated(account), ended), ["unlinked", "unlinked"]);
    t.is((await accountRow(db, account)).sync_status, "active");
    t.deepEqual(await syncJobs(db), []);
    t.is(await valueOf(db, "select count(*) from app_public.accounts"), "1");
  }),
);

test(
  "an unknown account's events are kept, create nothing, and are judged when it is linked",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accountId = randomUUID();
    const stranger = { accountId, userId: alice };
    const ended = updated(stranger, { syncStatus: "REAUTHORISATION_REQUIRED" });
    t.deepEqual(await tell(db, updated(stranger), ended), ["unknown_account", "unknown_account"]);
    t.is(await valueOf(db, "select count(*) from app_public.accounts"), "0");
    await asWorker(db);
    t.is(await processWebhooks(db, 10), 0, "not again and again");
    await asOwner(db);
    await setClock(db, HOUR_LATER);
    await linkMono(db, { accountId });
    t.true((await jobs(db)).some(({ task }) => task === "process_webhooks"));
    await asWorker(db);
    t.is(await processWebhooks(db, 10), 2);
    await asOwner(db);
    t.deepEqual(await rowsOf(db, "select outcome, account_id from app_private.webhooks order by id"), [
      { outcome: "queued", account_id: accountId },
      { outcome: "queued", account_id: accountId },
    ]);
    t.is((await accountRow(db, stranger)).sync_status, "active", "an end from before the link is none of its");
    t.is((await syncJobs(db)).length, 1);
  }),
);

test(
  "where an event has no id, equal words are a repeat for a day, and later a new event",
  withDb(async (t, db) => {
    const account = await synced(db);
    const legacy = webhook("mono.events.reauthorisation_required", { providerAccountId: monoId(account) });
    t.deepEqual(await tell(db, legacy), ["needs_you"]);
    await finish(db, leaseOf(await begin(db, account)));
    await setClock(db, "2026-03-11T13:00:00Z");
    await tell(db, legacy);
    t.is((await accountRow(db, account)).sync_status, "active", "24 hours later to the second: a repeat");
    await setClock(db, "2026-03-11T13:00:01Z");
    t.deepEqual(await tell(db, legacy), ["needs_you"]);
    t.is((await accountRow(db, account)).sync_status, "auth_required");

    const known = updated(account, { syncStatus: "SUCCESSFUL" });
    await tell(db, known);
    await setClock(db, "2026-03-20T13:00:00Z");
    await asService(db);
    t.is(await receiveWebhooks(db, [known]), 0, "an id is an id for ever");
    await asOwner(db);
  }),
);

const callback = (referenceId: string, status = "successful"): Webhook =>
  webhook("momo.callback", { platform: "mtn_momo", referenceId, status, dedupeKey: `${referenceId}:${status}` });

test(
  "a payment's callback has its reference asked for at once; a settled one and one that nobody tracks do nothing",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const wallet = await linkMomo(db);
    await finish(db, leaseOf(await begin(db, wallet, "worker-1", "mtn_momo")));
    const referenceId = randomUUID();
    await trackReference(db, { accountId: wallet.accountId, referenceId });
    await setClock(db, "2026-03-10T12:00:10Z");
    await emptyQueue(db);
    t.deepEqual(await tell(db, callback(referenceId), callback(referenceId), callback(randomUUID())), ["queued"]);
    t.is(await valueOf(db, "select count(*) from app_private.webhooks"), "1", "of a stranger nothing is kept");
    t.deepEqual(
      (await syncJobs(db)).map(({ task, payload }) => ({ task, payload })),
      [{ task: "momo_sync", payload: { accountId: wallet.accountId, trigger: "webhook" } }],
    );
    const details = await begin(db, wallet, "worker-1", "mtn_momo");
    t.deepEqual(
      details.openReferences.map((reference) => reference.referenceId),
      [referenceId],
    );
    t.deepEqual(await tell(db, callback(referenceId, "failed")), ["running"]);
    await db.query(
      "update app_private.tracked_references set outcome = 'settled', next_poll_at = null, settled_at = now()",
    );
    t.deepEqual(await tell(db, callback(referenceId, "pending")), ["nothing"]);
  }),
);

test(
  "a callback that comes during a run is not lost: the account is due when the run ends",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const wallet = await linkMomo(db);
    const lease = leaseOf(await begin(db, wallet, "worker-1", "mtn_momo"));
    const referenceId = randomUUID();
    await trackReference(db, { accountId: wallet.accountId, referenceId });
    t.deepEqual(await tell(db, callback(referenceId)), ["running"]);
    await finish(db, lease);
    t.is((await stateRow(db, wallet)).next_sync_at, "2026-03-10 12:00:00+00");
  }),
);

test(
  "what is not on the list of fields cannot be stored",
  withDb(async (t, db) => {
    const account = await synced(db);
    for (const fields of [
      { event: "0131883461" },
      { providerAccountId: "ADA OBI" },
      { status: "paid" },
      { syncStatus: "+2348012345678" },
      { bodyHmac: "" },
    ]) {
      await refusalOf(db, () => receiveWebhooks(db, [updated(account, fields)]));
    }
    t.is(await receiveWebhooks(db, [updated(account)]), 1);
  }),
);

test(
  "only the service receives, only the worker judges",
  withDb(async (t, db) => {
    const account = await synced(db);
    await asUser(db, alice);
    for (const body of [() => receiveWebhooks(db, [updated(account)]), () => processWebhooks(db, 1)]) {
      t.is((await refusalOf(db, body)).code, "42501");
    }
    await asWorker(db);
    t.is((await refusalOf(db, () => receiveWebhooks(db, [updated(account)]))).code, "42501");
    await asService(db);
    t.is((await refusalOf(db, () => processWebhooks(db, 1))).code, "42501");
    t.is((await refusalOf(db, () => db.query("select from app_private.webhooks"))).code, "42501");
    t.is(await receiveWebhooks(db, [updated(account)]), 1);
    await asWorker(db);
    t.is(await processWebhooks(db, 1), 1);
  }),
);

test(
  "a repeat does not wait for its first delivery to be judged",
  twoSessions(async (t, a, b) => {
    const account = await synced(a);
    const legacy = webhook("mono.events.reauthorisation_required", { providerAccountId: monoId(account) });
    const known = updated(account);
    await receiveWebhooks(a, [legacy, known]);
    await a.query("begin");
    t.is(await processWebhooks(a, 10), 2);
    await b.query("set lock_timeout = '1s'");
    t.is(await receiveWebhooks(b, [legacy, known]), 0);
    t.is(await receiveWebhooks(b, [updated(account)]), 1);
    await a.query("commit");
  }),
);

test(
  "two judges share the inbox and do not wait for each other",
  twoSessions(async (t, a, b) => {
    const one = await synced(a);
    const two = await linkMono(a);
    await receiveWebhooks(a, [updated(one), updated(two)]);
    await b.query("set lock_timeout = '2s'");
    await a.query("begin");
    t.is(await processWebhooks(a, 1), 1);
    t.is(await processWebhooks(b, 10), 1);
    await a.query("commit");
    t.is(await valueOf(a, "select count(*) from app_private.webhooks where outcome is null"), "0");
  }),
);
