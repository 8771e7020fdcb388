import { randomUUID } from "node:crypto";
import test from "ava";
import { listAccounts, standingLink } from "../queries/accounts.ts";
import { enqueueDueSyncs } from "../queries/dispatch.ts";
import { requestAccountSync, requestSyncs } from "../queries/sync_requests.ts";
import { listOf, rowsOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService, asUser } from "../testing/roles.ts";
import {
  alice,
  begin,
  bob,
  emptyQueue,
  fail,
  finish,
  jobs,
  leaseOf,
  linkMomo,
  linkMono,
  noon,
  setClock,
  stateRow,
} from "../testing/world.ts";

const none = { queued: 0, running: 0, cooling_down: 0, needs_you: 0, paused: 0, provider_down: 0 };
const LATER = "2026-03-10T13:00:00.000Z";

test(
  "each account of the platform is counted once, by its state",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const active = await linkMono(db);
    const expired = await linkMono(db);
    for (const account of [active, expired]) {
      const lease = leaseOf(await begin(db, account));
      await (account === active ? finish(db, lease) : fail(db, lease, "auth_required"));
    }
    const paused = await linkMono(db);
    const unlinked = await linkMono(db);
    await db.query("update app_public.accounts set paused_at = now() where id = $1", [paused.accountId]);
    await db.query("update app_public.accounts set unlinked_at = now() where id = $1", [unlinked.accountId]);
    await linkMono(db, { institutionCode: "058" });
    await db.query(
      `insert into app_private.breakers (platform_source, institution_code, opened_at, next_probe_at)
       values ('mono', '058', $1, '2026-03-10 14:00:00+00')`,
      [noon],
    );
    await setClock(db, LATER);
    const recent = await linkMono(db);
    await finish(db, leaseOf(await begin(db, recent)));
    await begin(db, await linkMono(db));
    await linkMomo(db);
    await emptyQueue(db);

    await asService(db);
    const expected = { queued: 1, running: 1, cooling_down: 1, needs_you: 1, paused: 1, provider_down: 1 };
    t.deepEqual(await requestSyncs(db, "mono"), expected);
    t.deepEqual(await requestSyncs(db, "mono"), expected, "asking twice changes nothing");
    t.deepEqual(await requestSyncs(db, "mtn_momo"), { ...none, queued: 1 });
    await asOwner(db);
    t.deepEqual(
      (await jobs(db)).map(({ task, payload }) => ({ task, payload })),
      [
        { task: "enqueue_due_syncs", payload: { platform: "mono" } },
        { task: "enqueue_due_syncs", payload: { platform: "mtn_momo" } },
      ],
    );
    t.is((await stateRow(db, active)).next_sync_at, "2026-03-10 13:00:00+00");
    await db.query("update app_private.platforms set paused_until = 'infinity' where platform_source = 'mono'");
    t.deepEqual(await requestSyncs(db, "mono"), { ...none, paused: 6 });
  }),
);

test(
  "they fall due one after another at the quota's pace, the longest unsynced first, and no job an account is added",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = [];
    for (let n = 0; n < 40; n += 1) {
      const account = await linkMono(db);
      await finish(db, leaseOf(await begin(db, account)));
      accounts.push(account.accountId);
    }
    const [oldest = ""] = accounts.slice(17);
    await db.query("update app_public.accounts set last_synced_at = '2026-03-01' where id = $1", [oldest]);
    await db.query("update app_private.quotas set requests = 10, reserve = 0.2");
    await setClock(db, LATER);
    await emptyQueue(db);
    t.deepEqual(await requestSyncs(db, "mono"), { ...none, queued: 40 });
    t.is((await jobs(db)).length, 1);

    // 10 a second, a fifth kept back, two requests an account: 4 accounts a second.
    const row = await rowsOf(
      db,
      `select account_id, extract(epoch from next_sync_at - $1)::float8 as seconds
       from app_private.sync_states order by next_sync_at, account_id`,
      [LATER],
    );
    t.deepEqual(
      row.map(({ seconds }) => seconds),
      accounts.map((_, n) => n / 4),
    );
    t.is(row[0]?.account_id, oldest);
    t.is(await enqueueDueSyncs(db, "mono", 1000), 1);
    await setClock(db, "2026-03-10T13:00:05.000Z");
    t.is(await enqueueDueSyncs(db, "mono", 1000), 20);

    // Asked again in the middle of it, nobody is moved back.
    const places = () => listOf(db, "select next_sync_at from app_private.sync_states order by account_id");
    const before = await places();
    await requestSyncs(db, "mono");
    const after = await places();
    t.true(after.every((place, n) => Date.parse(place) <= Date.parse(before[n] ?? "")));
    await setClock(db, "2026-03-10T13:00:09.750Z");
    t.is(await enqueueDueSyncs(db, "mono", 1000), 19, "all drained");
  }),
);

test(
  "one account is judged as its owner's Sync now is, and an unknown or unlinked one is not found",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    await asService(db);
    const ask = () => requestAccountSync(db, account.accountId);
    t.deepEqual(await ask(), { platform_source: "mono", outcome: "queued", until: null });
    await asOwner(db);
    t.like((await jobs(db))[0], {
      task: "mono_sync",
      payload: { accountId: account.accountId, trigger: "backend" },
      priority: -10,
    });
    await fail(db, leaseOf(await begin(db, account)), "auth_required");
    t.deepEqual(await ask(), {
      platform_source: "mono",
      outcome: "needs_you",
      until: new Date("2026-03-10T12:05:00.000Z"),
    });
    t.is((await refusalOf(db, () => requestAccountSync(db, randomUUID()))).code, "NTFND");
    await db.query("update app_public.accounts set unlinked_at = now()");
    t.is((await refusalOf(db, ask)).code, "NTFND");
  }),
);

test(
  "accounts are listed by id, in pages, of whom and what is asked for",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const all: string[] = [];
    for (const userId of [alice, bob]) {
      for (const link of [linkMono, linkMono, linkMomo]) all.push((await link(db, { userId })).accountId);
    }
    const gone = await linkMono(db);
    await db.query("update app_public.accounts set unlinked_at = now() where id = $1", [gone.accountId]);
    await db.query("update app_public.accounts set balance = 12345678901234567890.10");
    await asService(db);
    const ids = async (filter: Parameters<typeof listAccounts>[1], limit = 50) =>
      (await listAccounts(db, filter, limit)).map(({ id }) => id);
    t.deepEqual(await ids({}), all.toSorted());
    const first = await ids({}, 4);
    t.deepEqual([...first, ...(await ids({ after: first[3] }, 4))], all.toSorted());
    t.deepEqual(await ids({ userId: bob }), all.slice(3).toSorted());
    t.deepEqual(await ids({ userId: bob, platform: "mtn_momo" }), all.slice(5));
    t.deepEqual(await ids({ userId: randomUUID() }), []);
    t.like((await listAccounts(db, { userId: alice, platform: "mtn_momo" }, 1))[0], {
      balance: "12345678901234567890.10",
      sync_status: "active",
      last_synced_at: null,
      platform_source: "mtn_momo",
      platform_label: "MTN MoMo API",
      is_syncing: false,
      next_sync_at: noon,
    });
    await asOwner(db);
    const { mono_account_id: externalId = "" } =
      (await listAccounts(db, { userId: alice, platform: "mono" }, 1))[0] ?? {};
    const link = { userId: alice, platform: "mono" as const, externalId: externalId ?? "" };
    t.is(await standingLink(db, link), all.find((id) => externalId === `mono-${id}`) ?? "none");
    t.is(await standingLink(db, { ...link, userId: bob }), null);
    await asUser(db, alice);
    for (const body of [() => ids({}), () => requestSyncs(db, "mono"), () => requestAccountSync(db, gone.accountId)]) {
      t.is((await refusalOf(db, body)).code, "42501");
    }
  }),
);
