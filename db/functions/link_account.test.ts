import test from "ava";
import { type Link, linkAccount, matchLink } from "../queries/links.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asService, asOwner } from "../testing/roles.ts";
import { suspendSyncs } from "../queries/runs.ts";
import {
  accountRow,
  alice,
  begin,
  bob,
  complete,
  emptyQueue,
  fail,
  finish,
  incoming,
  jobs,
  leaseOf,
  linkMomo,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  stateRow,
  statuses,
} from "../testing/world.ts";

const accountId = "acc00000-0000-4000-8000-000000000001";
const base64 = (text: string): string => Buffer.from(text).toString("base64");

const link: Link = {
  accountId,
  userId: alice,
  platform: "mono",
  accountName: "Salary",
  currency: "NGN",
  externalId: "mono-1",
};

test(
  "linked: the account, its schedule, its history to read, its secrets, and a job, all at once",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const outcome = await linkAccount(db, {
      ...link,
      institution: "GTBank",
      institutionCode: "058",
      identity: base64("hmac"),
      loginKey: "customer-1",
      credentials: [{ kind: "mono_token", keyId: "k1", sealed: base64("sealed") }],
    });
    t.is(outcome, "linked");
    const account = { accountId, userId: alice };
    t.like(await accountRow(db, account), {
      user_id: alice,
      account_name: "Salary",
      account_type: "bank",
      platform_source: "mono",
      currency: "NGN",
      mono_account_id: "mono-1",
      mtn_reference_id: null,
      institution: "GTBank",
      sync_status: "active",
      balance: null,
      last_synced_at: null,
      last_sync_attempt: null,
      coverage_through: null,
      linked_at: "2026-03-10 12:00:00+00",
    });
    t.like(await rowOf(db, "select * from app_private.links"), {
      time_zone: "Africa/Lagos",
      login_key: "customer-1",
      institution_code: "058",
      identity_hmac: Buffer.from("hmac"),
      base_url: null,
    });
    t.like(await stateRow(db, account), { next_sync_at: "2026-03-10 12:00:00+00", run_id: null, failures: 0 });
    t.deepEqual(await rowsOf(db, "select source::text, history_start, settled::text from app_private.coverage"), [
      { source: "mono", history_start: "2025-03-10", settled: "{}" },
    ]);
    t.like(await rowOf(db, "select * from app_private.credentials"), {
      kind: "mono_token",
      key_id: "k1",
      sealed: Buffer.from("sealed"),
    });
    t.like((await jobs(db))[0], {
      task: "mono_sync",
      payload: { accountId, trigger: "backend" },
      key: `sync:${accountId}`,
    });
  }),
);

test(
  "a wallet has a statement to read only where there is a contract for it",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [without, withOne] = [await linkMomo(db), await linkMomo(db, { statement: true, timeZone: "Africa/Accra" })];
    t.like(await accountRow(db, without), { account_type: "mobile_money", mono_account_id: null });
    t.deepEqual(await rowsOf(db, "select account_id, source::text, history_start from app_private.coverage"), [
      { account_id: withOne.accountId, source: "statement", history_start: "2025-12-10" },
    ]);
    t.is((await jobs(db))[0]?.task, "momo_sync");
  }),
);

test(
  "history begins on the link day of the provider's calendar",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-10T23:30:00Z");
    await linkMono(db, { historyDays: 1 });
    t.is(await valueOf(db, "select history_start from app_private.coverage"), "2026-03-10");
  }),
);

for (const [what, fields] of [
  ["no provider id", { externalId: "" }],
  ["no name", { accountName: "" }],
  ["a name that is too long", { accountName: "x".repeat(121) }],
  ["no currency", { currency: "" }],
  ["a currency that is none", { currency: "naira" }],
  ["a time zone that is none", { timeZone: "Africa/Atlantis" }],
  ["a history of no day", { historyDays: 0 }],
  ["a history that lies ahead", { historyDays: -1 }],
] as const) {
  test(
    `LNKNV: ${what}`,
    withDb(async (t, db) => {
      t.is((await refusalOf(db, () => linkAccount(db, { ...link, ...fields }))).code, "LNKNV");
      t.is(await linkAccount(db, link), "linked");
    }),
  );
}

test(
  "LNKNV: a platform that is none",
  withDb(async (t, db) => {
    const tryPlatform = (platform: string) =>
      db.query("select app_private.link_account($1)", [JSON.stringify({ ...link, platform })]);
    t.is((await refusalOf(db, () => tryPlatform("plaid"))).code, "LNKNV");
    await tryPlatform("mono");
    t.pass();
  }),
);

test(
  "LNKDP: a Mono account belongs to one link for ever, a wallet to each of its owners once",
  withDb(async (t, db) => {
    await linkMono(db, { externalId: "mono-1" });
    t.is((await refusalOf(db, () => linkMono(db, { externalId: "mono-1", userId: bob }))).code, "LNKDP");
    t.is((await refusalOf(db, () => linkMono(db, { externalId: "mono-1" }))).code, "LNKDP");
    await linkMono(db, { externalId: "mono-2", userId: bob });

    await linkMomo(db, { externalId: "wallet-1" });
    t.is((await refusalOf(db, () => linkMomo(db, { externalId: "wallet-1" }))).code, "LNKDP");
    await linkMomo(db, { externalId: "wallet-1", userId: bob });
    t.is(await valueOf(db, "select count(*) from app_public.accounts"), "4");
  }),
);

test(
  "LNKDP: an account id of somebody else, of another platform, or taking up an id that another account has",
  withDb(async (t, db) => {
    await linkAccount(db, link);
    t.is((await refusalOf(db, () => linkAccount(db, { ...link, userId: bob, externalId: "mono-9" }))).code, "LNKDP");
    t.is((await refusalOf(db, () => linkMomo(db, { accountId }))).code, "LNKDP");
    await linkMono(db, { externalId: "mono-2" });
    t.is((await refusalOf(db, () => linkAccount(db, { ...link, externalId: "mono-2" }))).code, "LNKDP");
    t.is((await accountRow(db, { accountId, userId: alice })).mono_account_id, "mono-1");
    t.is(await linkAccount(db, { ...link, externalId: "mono-3" }), "resumed");
  }),
);

test(
  "resumed: rows and the user's layer stay, everything is read once more, what failed is forgotten",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { ...link, institution: "GTBank", identity: base64("hmac"), historyDays: 30 });
    const rows = [incoming("t1", "2026-03-05")];
    const lease = await begin(db, account);
    await save(db, page(lease, rows, complete(rows)));
    await finish(db, lease, { state: { job: "old" } });
    await fail(db, await begin(db, account), "auth_required");
    await db.query("update app_public.accounts set unlinked_at = now()");
    await emptyQueue(db);

    await setClock(db, "2026-03-12T12:00:00Z");
    const relink: Link = {
      ...link,
      externalId: "mono-2",
      historyDays: 30,
      credentials: [{ kind: "mono_token", keyId: "k2", sealed: base64("new") }],
    };
    t.is(await linkAccount(db, relink), "resumed");
    t.like(await accountRow(db, account), {
      mono_account_id: "mono-2",
      institution: "GTBank",
      sync_status: "active",
      unlinked_at: null,
      linked_at: "2026-03-12 12:00:00+00",
      last_synced_at: "2026-03-10 12:00:00+00",
    });
    t.like(await rowOf(db, "select * from app_private.links"), {
      login_key: "mono-2",
      identity_hmac: Buffer.from("hmac"),
    });
    t.like(await stateRow(db, account), {
      next_sync_at: "2026-03-12 12:00:00+00",
      failures: 0,
      last_failure_kind: null,
      provider_state: {},
    });
    // What was promised before is kept: the history does not get shorter.
    t.deepEqual(await rowsOf(db, "select history_start, settled::text from app_private.coverage"), [
      { history_start: "2026-02-08", settled: "{}" },
    ]);
    t.deepEqual(await statuses(db, account), ["t1 posted"]);
    t.like(await rowOf(db, "select * from app_private.credentials"), { key_id: "k2", sealed: Buffer.from("new") });
    t.is((await jobs(db)).length, 1);
    // The episode ends with the sync that succeeds, not with the wish.
    t.is(await valueOf(db, "select recovered_at from app_private.auth_episodes"), null);
    await finish(db, await begin(db, account));
    t.is(await valueOf(db, "select recovered_at from app_private.auth_episodes"), "2026-03-12 12:00:00+00");
  }),
);

for (const waiting of [false, true]) {
  test(
    `a run of the old link that is ${waiting ? "waiting" : "held"} can write nothing any more, and blocks nothing`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const account = await linkMono(db, { ...link, historyDays: 30 });
      const old = leaseOf(await begin(db, account));
      if (waiting) await suspendSyncs(db, [{ ...old, until: "2026-03-10T13:00:00Z", state: { job: "old" } }]);
      t.is(await linkAccount(db, { ...link, externalId: "mono-2" }), "resumed");

      t.like((await runRows(db, account))[0], { status: "failed", failure_kind: "interrupted" });
      // It would have settled days, or said that the link expired, of a link that is no more.
      t.is((await save(db, page(old, [], complete([])))).outcome, "lost");
      t.is(await fail(db, old, "auth_required"), "lost");
      t.like(await accountRow(db, account), { sync_status: "active" });
      t.is(await valueOf(db, "select settled::text from app_private.coverage"), "{}");
      const next = await begin(db, account);
      t.deepEqual([next.externalId, next.state], ["mono-2", {}]);
      t.is(await finish(db, next), "ok");
    }),
  );
}

test(
  "match_link: by the provider's id, else by the bank account behind it, among one's own only",
  withDb(async (t, db) => {
    await linkAccount(db, { ...link, identity: base64("same bank account") });
    const other = await linkMono(db, { externalId: "mono-2", identity: base64("another bank account") });
    const match = (fields: Partial<Parameters<typeof matchLink>[1]>) =>
      matchLink(db, { userId: alice, platform: "mono", externalId: "mono-new", identity: null, ...fields });
    const identity = Buffer.from("same bank account");
    await asService(db);
    t.is(await match({}), null, "a new one");
    t.is(await match({ externalId: "mono-1" }), accountId);
    t.is(await match({ identity }), accountId);
    t.is(await match({ identity, externalId: "mono-2" }), other.accountId, "the provider's id goes first");
    t.is(await match({ identity: Buffer.from("a third") }), null);
    t.is(await match({ identity, userId: bob }), null);
    t.is(await match({ identity, platform: "mtn_momo" }), null);
    await asOwner(db);
    await db.query("update app_public.accounts set unlinked_at = now()");
    t.is(await match({ identity }), accountId, "also one that was unlinked");
  }),
);
