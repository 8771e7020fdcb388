import { createHash } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { linkAccount } from "../queries/links.ts";
import { beginUnlinkings, confirmUnlinkings, recordUnlinkFailures, type Unlinking } from "../queries/unlinkings.ts";
import { receiveWebhooks } from "../queries/webhooks.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asService, asUser, asVisitorNobody, asWorker } from "../testing/roles.ts";
import {
  type Account,
  accountRow,
  alice,
  begin,
  bob,
  emptyQueue,
  finish,
  incoming,
  jobs,
  linkMomo,
  linkMono,
  noon,
  page,
  runRows,
  save,
  setClock,
  stateRow,
  statuses,
  tryBegin,
} from "../testing/world.ts";

const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** What a tombstone is, as far as SQL knows: 32 bytes. */
const hmac = (text: string): string => createHash("sha256").update(text).digest("base64");
const secrets = [{ kind: "some_key", keyId: "k1", sealed: base64("sealed") }];

const unlink = (db: Client, ...accounts: Account[]) =>
  rowsOf(db, "select * from app_private.unlink_accounts($1)", [accounts.map(({ accountId }) => accountId)]);
const sagaOf = (db: Client, { accountId }: Account) =>
  rowsOf(db, "select * from app_private.unlinkings where account_id = $1 order by id", [accountId]);
const secretsOf = (db: Client, { accountId }: Account) =>
  listOf(db, "select kind from app_private.credentials where account_id = $1", [accountId]);

async function claim(db: Client, account: Account | null = null): Promise<Unlinking> {
  const [unlinking] = await beginUnlinkings(db, ["mono", "mtn_momo"], account?.accountId ?? null);
  if (unlinking === undefined) throw new Error("nothing is due");
  return unlinking;
}

async function confirm(db: Client, { id, externalId }: Unlinking): Promise<string | undefined> {
  const [confirmed] = await confirmUnlinkings(db, [{ id, externalIdHmac: hmac(externalId) }]);
  return confirmed?.outcome;
}

test(
  "unlinked: at once nothing begins, the running lease is lost, jobs are gone; transactions and secrets stay",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { credentials: secrets });
    const lease = await begin(db, account);
    await save(db, page(lease, [incoming("t1", "2026-03-05")]));
    await asService(db);
    t.deepEqual(
      await unlink(db, account, { accountId: alice, userId: alice }),
      [
        { account_id: account.accountId, outcome: "unlinked" },
        { account_id: alice, outcome: "not_found" },
      ].toSorted((a, b) => (a.account_id < b.account_id ? -1 : 1)),
    );
    await asOwner(db);

    t.like(await accountRow(db, account), { unlinked_at: "2026-03-10 12:00:00+00", sync_status: "active" });
    t.like(await stateRow(db, account), { run_id: null, held_by: null, epoch: lease.epoch + 1 });
    t.like((await runRows(db, account))[0], { status: "failed", failure_kind: "interrupted" });
    t.is((await save(db, page(lease, [incoming("t2", "2026-03-06")]))).outcome, "lost");
    t.is(await finish(db, lease), "lost");
    t.is((await tryBegin(db, account)).outcome, "unlinked");
    t.deepEqual(await statuses(db, account), ["t1 posted"]);
    t.deepEqual(await secretsOf(db, account), ["some_key"]);
    t.deepEqual(
      (await jobs(db)).map(({ task, payload }) => ({ task, payload })),
      [{ task: "unlink_account", payload: { accountId: account.accountId } }],
    );
    t.like((await sagaOf(db, account))[0], { state: "open", reason: "backend", attempts: 0, confirmed_at: null });

    await emptyQueue(db);
    t.deepEqual(await unlink(db, account), [{ account_id: account.accountId, outcome: "was_unlinked" }]);
    t.deepEqual(await jobs(db), [], "a second time changes nothing");
    t.is((await sagaOf(db, account)).length, 1);
  }),
);

test(
  "nothing makes an unlinked account due again, whatever is chosen and however long it takes",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [gone, stays] = [await linkMono(db), await linkMono(db)];
    for (const account of [gone, stays]) await finish(db, await begin(db, account));
    await unlink(db, gone);
    await asUser(db, alice);
    await db.query("select app_public.choose_sync_settings('mono', '1 hour')");
    await asOwner(db);
    await emptyQueue(db);
    await setClock(db, "2027-03-10T12:00:00Z");
    t.is(await valueOf(db, "select app_private.enqueue_due_syncs('mono')"), 1);
    t.like((await jobs(db))[0], { key: `sync:${stays.accountId}` });
  }),
);

test(
  "an owner unlinks own accounts and nobody else's",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const tryUnlink = () => db.query("select app_public.unlink_account($1)", [account.accountId]);
    for (const become of [() => asUser(db, bob), () => asVisitorNobody(db)]) {
      await become();
      t.is((await refusalOf(db, tryUnlink)).code, "NTFND");
    }
    await asOwner(db);
    t.like(await accountRow(db, account), { unlinked_at: null });
    await asUser(db, alice);
    t.is((await refusalOf(db, () => unlink(db, account))).code, "42501");
    const row = await rowOf(db, "select * from app_public.unlink_account($1)", [account.accountId]);
    t.is(row.id, account.accountId);
    t.not(row.unlinked_at, null);
    t.deepEqual(await rowOf(db, "select * from app_public.unlink_account($1)", [account.accountId]), row);
    await asOwner(db);
    t.like((await sagaOf(db, account))[0], { reason: "owner" });
    t.is((await jobs(db)).filter(({ task }) => task === "unlink_account").length, 1);
  }),
);

test(
  "the provider is asked after delays that grow, until it confirms; only then the secrets go",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { credentials: secrets, externalId: "mono-1" });
    await unlink(db, account);
    await asWorker(db);
    const first = await claim(db);
    t.like(first, { accountId: account.accountId, externalId: "mono-1", platform: "mono" });
    t.deepEqual(await beginUnlinkings(db, ["mono"], null), [], "claimed");
    await recordUnlinkFailures(db, [{ id: first.id, kind: "provider_down", message: "Down.", retryAt: null }]);
    await asOwner(db);
    t.like((await sagaOf(db, account))[0], { attempts: 1, last_failure_kind: "provider_down", state: "open" });
    t.deepEqual(await secretsOf(db, account), ["some_key"]);

    await setClock(db, "2026-03-10T12:02:00Z");
    t.deepEqual(await beginUnlinkings(db, ["mtn_momo"], null), [], "a platform that cannot be asked");
    const second = await claim(db);
    await recordUnlinkFailures(db, [
      { id: second.id, kind: "rate_limited", message: "Later.", retryAt: "2026-03-12T00:00:00Z" },
    ]);
    await setClock(db, "2026-03-11T23:59:00Z");
    t.deepEqual(await beginUnlinkings(db, ["mono"], null), []);
    await setClock(db, "2026-03-12T00:00:00Z");
    t.is(await confirm(db, await claim(db)), "dropped");
    t.deepEqual(await secretsOf(db, account), []);
    t.like((await sagaOf(db, account))[0], {
      state: "done",
      attempts: 3,
      confirmed_at: "2026-03-12 00:00:00+00",
      secrets_dropped_at: "2026-03-12 00:00:00+00",
      last_failure_kind: null,
    });
    t.is(await confirm(db, second), "stale");
    t.is(await valueOf(db, "select count(*) from app_private.tombstones"), "1");
  }),
);

test(
  "siblings keep what is theirs: accounts of the same login, and the wallet's tokens for its other owner",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const wallet = "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11";
    const other = "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b12";
    const mine = await linkMomo(db, { externalId: wallet, credentials: secrets });
    const theirs = await linkMomo(db, { externalId: wallet, credentials: secrets, userId: bob });
    const sibling = await linkMono(db, { loginKey: "customer-1", credentials: secrets });
    const account = await linkMono(db, { loginKey: "customer-1", credentials: secrets });
    for (const id of [wallet, other]) {
      await db.query("select app_private.store_wallet_token($1, 'k1', 'sealed', 'infinity')", [
        `mtn_momo https://momo.example mtnuganda ${id} collections`,
      ]);
    }
    const tokens = () => listOf(db, "select split_part(wallet_key, ' ', 4) from app_private.wallet_tokens order by 1");

    await unlink(db, mine, account);
    t.is(await confirm(db, await claim(db, mine)), "dropped");
    t.is(await confirm(db, await claim(db, account)), "dropped");
    for (const [each, left] of [
      [mine, []],
      [theirs, ["some_key"]],
      [account, []],
      [sibling, ["some_key"]],
    ] as const) {
      t.deepEqual(await secretsOf(db, each), left);
    }
    t.deepEqual(await tokens(), [wallet, other]);
    t.is((await tryBegin(db, theirs, "worker-1", "mtn_momo")).outcome, "begun");
    t.is((await tryBegin(db, sibling)).outcome, "begun");

    await unlink(db, theirs);
    t.is(await confirm(db, await claim(db, theirs)), "dropped");
    t.deepEqual(await tokens(), [other]);
  }),
);

test(
  "what is late for an unlinked account changes nothing: a webhook, a job, a link under the id that is void",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { externalId: "mono-1", identity: base64("identity") });
    const webhook = (event: string, mono: string) =>
      ({
        platform: "mono",
        dedupeKey: `${event} ${mono}`,
        bodyHmac: hmac(event),
        event,
        eventId: `${event}-${mono}`.replaceAll(".", "-"),
        providerAccountId: mono,
        dataStatus: "AVAILABLE",
        syncStatus: "SUCCESSFUL",
        externalIdHmac: hmac(mono),
      }) as const;
    await unlink(db, account);
    await emptyQueue(db);

    const before = await receiveWebhooks(db, [webhook("mono.events.account_reauthorized", "mono-1")]);
    t.is(before, 1, "kept until the provider has confirmed");
    await db.query("select app_private.process_webhooks()");
    t.deepEqual(await listOf(db, "select outcome from app_private.webhooks"), ["unlinked"]);
    await confirm(db, await claim(db));
    await emptyQueue(db);
    t.is(await receiveWebhooks(db, [webhook("mono.events.account_updated", "mono-1")]), 0);
    t.is(await receiveWebhooks(db, [webhook("mono.events.account_updated", "mono-2")]), 1, "the control");
    await db.query("select app_private.process_webhooks()");
    t.is((await tryBegin(db, account)).outcome, "unlinked");
    t.deepEqual(await beginUnlinkings(db, ["mono"], account.accountId), []);

    const relink = (externalId: string) =>
      linkAccount(db, {
        accountId: account.accountId,
        userId: alice,
        platform: "mono",
        accountName: "Salary",
        currency: "NGN",
        externalId,
        identity: base64("identity"),
        externalIdHmac: hmac(externalId),
      });
    t.is((await refusalOf(db, () => relink("mono-1"))).code, "LNKGN");
    t.like(await accountRow(db, account), { mono_account_id: "mono-1" });
    t.is(await relink("mono-3"), "resumed");
    t.like(await accountRow(db, account), { unlinked_at: null });
    t.is((await tryBegin(db, account)).outcome, "begun");

    // As it would be after an erasure: the tombstone is all that is left.
    await db.query("delete from app_public.accounts");
    t.is((await refusalOf(db, () => relink("mono-1"))).code, "LNKGN");
    t.is(await relink("mono-4"), "linked");
  }),
);

test(
  "linked anew under another id before the provider confirmed: the old id is still unlinked, the secrets are the new link's",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { externalId: "mono-1", credentials: secrets });
    await unlink(db, account);
    await linkMono(db, { ...account, externalId: "mono-2", credentials: secrets });
    t.is(await confirm(db, await claim(db)), "kept");
    t.deepEqual(await secretsOf(db, account), ["some_key"]);
    t.like((await sagaOf(db, account))[0], { external_id: "mono-1", state: "done", secrets_dropped_at: null });

    await unlink(db, account);
    t.is(await confirm(db, await claim(db)), "dropped");
    t.deepEqual(await secretsOf(db, account), []);
  }),
);

test(
  "an id that another one replaced is closed at the provider, and the account goes on",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { externalId: "mono-1", credentials: secrets });
    await linkMono(db, { ...account, externalId: "mono-2" });
    t.like((await sagaOf(db, account))[0], { external_id: "mono-1", reason: "superseded", state: "open" });
    t.is(await confirm(db, await claim(db)), "kept");
    t.is((await tryBegin(db, account)).outcome, "begun");
    await linkMono(db, { ...account, externalId: "mono-2" });
    t.is((await sagaOf(db, account)).length, 1, "the same id once more replaces nothing");
  }),
);

test(
  "two unlinkings of one account: the secrets go with the last",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db, { externalId: "mono-1", credentials: secrets });
    await linkMono(db, { ...account, externalId: "mono-2" });
    await unlink(db, account);
    t.is(await confirm(db, await claim(db)), "kept");
    t.deepEqual(await secretsOf(db, account), ["some_key"]);
    t.is(await confirm(db, await claim(db)), "dropped");
    t.deepEqual(await secretsOf(db, account), []);
    t.deepEqual(
      (await sagaOf(db, account)).map(({ secrets_dropped_at: at }) => at),
      ["2026-03-10 12:00:00+00", "2026-03-10 12:00:00+00"],
    );
  }),
);

test(
  "a wallet is linked and unlinked under one id as often as its owner likes",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const wallet = await linkMomo(db, { credentials: secrets, externalId: "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11" });
    for (let round = 0; round < 2; round += 1) {
      await unlink(db, wallet);
      t.is(await confirm(db, await claim(db)), "dropped");
      t.deepEqual(await secretsOf(db, wallet), []);
      t.is(
        await linkAccount(db, {
          accountId: wallet.accountId,
          userId: alice,
          platform: "mtn_momo",
          accountName: "Wallet",
          currency: "UGX",
          externalId: "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11",
          externalIdHmac: hmac("0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11"),
          credentials: secrets,
        }),
        "resumed",
      );
      t.is((await tryBegin(db, wallet, "worker-1", "mtn_momo")).outcome, "begun");
    }
    t.is(await valueOf(db, "select count(*) from app_private.tombstones"), "0");
  }),
);

test(
  "one identity, two accounts: neither is taken; and a second link of one bank account must go on with the first",
  withDb(async (t, db) => {
    const match = (externalId: string) =>
      valueOf(db, "select app_private.match_link($1, 'mono', $2, $3)", [alice, externalId, Buffer.from("identity")]);
    const first = await linkMono(db, { identity: base64("identity") });
    t.is(await match("mono-9"), first.accountId);
    t.is((await refusalOf(db, () => linkMono(db, { identity: base64("identity") }))).code, "LNKDP");
    // Two that were linked before identities were known of both.
    const second = await linkMono(db, { externalId: "mono-2" });
    await db.query("update app_private.links set identity_hmac = 'identity' where account_id = $1", [second.accountId]);
    t.is(await match("mono-9"), null);
    t.is(await match("mono-2"), second.accountId, "the provider's own id leaves no doubt");
    const third = await linkMono(db, { externalId: "mono-9", identity: base64("identity") });
    t.like(await accountRow(db, third), { mono_account_id: "mono-9" });
  }),
);
