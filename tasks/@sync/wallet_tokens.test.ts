import test from "ava";
import type { Client } from "pg";
import { listOf, valueOf } from "../../db/testing/ask.ts";
import { canarySecret } from "../../db/testing/canaries/catalogue.ts";
import { withDb } from "../../db/testing/database.ts";
import { asOwner, asWorker } from "../../db/testing/roles.ts";
import { parseKeyring } from "../@credentials/keyring.ts";
import type { LeasedAccount } from "./platform.ts";
import { WalletTokens } from "./wallet_tokens.ts";

const newKeyring = () => parseKeyring(`test:${canarySecret("base64")}`);
const keyring = newKeyring();

const account: LeasedAccount = {
  accountId: "8f2d4b6e-1c3a-4e5f-9a7b-0d1e2f3a4b5c",
  runId: "7",
  epoch: 2,
  platform: "mtn_momo",
  externalId: "0f6bb2ed-5f38-4f8c-8a4c-6a2f2d1b7b11",
  currency: "EUR",
  baseUrl: "https://sandbox.momodeveloper.mtn.com",
  targetEnvironment: "sandbox",
  resumed: false,
  mayRefresh: true,
  state: {},
  windows: [],
  openReferences: [],
  credentials: {},
};

/** Mints t1, t2, … for an hour each, and counts. */
function createMint() {
  const minted: string[] = [];
  return {
    minted,
    mint: () => {
      const token = `t${minted.length + 1}`;
      minted.push(token);
      return Promise.resolve({ token, expiresInSeconds: 3600 });
    },
  };
}

/** Business time, which the test moves: here and in the database. */
function createClock(db: Client) {
  let current = new Date("2026-03-01T12:00:00.000Z");
  const show = async () => {
    await asOwner(db);
    await db.query("select app_private.set_clock($1)", [current]);
    await asWorker(db);
  };
  return {
    now: () => current,
    start: show,
    pass: (minutes: number) => {
      current = new Date(current.getTime() + minutes * 60_000);
      return show();
    },
  };
}

test(
  "one token is minted, however many ask at once",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { minted, mint } = createMint();
    const tokens = new WalletTokens(db, keyring).of(account, clock.now);
    const answers = await Promise.all(Array.from({ length: 20 }, () => tokens("collections").get(mint)));
    t.deepEqual([...new Set(answers)], ["t1"]);
    t.is(await tokens("collections").get(mint), "t1");
    t.deepEqual(minted, ["t1"]);
  }),
);

test(
  "a token of another purpose, wallet or address is another token",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { mint } = createMint();
    const all = new WalletTokens(db, keyring);
    const others: LeasedAccount[] = [
      { ...account, externalId: "5b1c9d1e-1a2b-4c3d-8e4f-5a6b7c8d9e0f" },
      { ...account, baseUrl: "https://proxy.momoapi.mtn.com" },
      { ...account, targetEnvironment: "mtnghana" },
    ];
    const asked = [
      await all.of(account, clock.now)("collections").get(mint),
      await all.of(account, clock.now)("statement").get(mint),
    ];
    for (const other of others) asked.push(await all.of(other, clock.now)("collections").get(mint));
    t.deepEqual(asked, ["t1", "t2", "t3", "t4", "t5"]);
    // The control: another account of the same wallet shares its token.
    const sibling = { ...account, accountId: "5b1c9d1e-1a2b-4c3d-8e4f-5a6b7c8d9e0f" };
    t.is(await all.of(sibling, clock.now)("collections").get(mint), "t1");
  }),
);

test(
  "processes share a token through the database, where it lies sealed",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { minted, mint } = createMint();
    const one = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    const other = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    t.is(await one.get(mint), "t1");
    t.is(await other.get(mint), "t1");
    t.deepEqual(minted, ["t1"]);

    await asOwner(db);
    const stored = await listOf(db, "select encode(sealed, 'escape') from app_private.wallet_tokens");
    t.is(stored.length, 1);
    t.notRegex(stored.join(), /t1/);
  }),
);

test(
  "an hour's token is renewed after fifty minutes, by whoever asks first",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { mint } = createMint();
    const one = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    const other = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    t.is(await one.get(mint), "t1");
    await clock.pass(49);
    t.is(await one.get(mint), "t1");
    t.is(await other.get(mint), "t1", "from the database, and with its real age");
    await clock.pass(2);
    t.is(await other.get(mint), "t2");
    t.is(await one.get(mint), "t2");
  }),
);

test(
  "a refused token is forgotten everywhere; the newer one that replaced it stays",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { minted, mint } = createMint();
    const one = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    const other = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    await one.get(mint);
    await other.get(mint);

    await one.forget("t1");
    t.is(await one.get(mint), "t2");
    // The other process still holds t1, is refused as well, and must not throw away what replaced it.
    await other.forget("t1");
    t.is(await other.get(mint), "t2");
    t.deepEqual(minted, ["t1", "t2"]);

    // Somebody slow is refused t1 only now.
    await one.forget("t1");
    t.is(await one.get(mint), "t2");
  }),
);

test(
  "who has other credentials for a wallet shares none of its tokens, here or by the database",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { mint } = createMint();
    const mine = { ...account, credentials: { momo_api_key: "the wallet's", momo_subscription_key: "s" } };
    const same = { ...account, credentials: { momo_subscription_key: "s", momo_api_key: "the wallet's" } };
    const invented = { ...account, credentials: { momo_api_key: "invented", momo_subscription_key: "s" } };
    const tokens = new WalletTokens(db, keyring);
    t.is(await tokens.of(mine, clock.now)("collections").get(mint), "t1");
    t.is(await new WalletTokens(db, keyring).of(same, clock.now)("collections").get(mint), "t1");
    t.is(await tokens.of(invented, clock.now)("collections").get(mint), "t2");
    await asOwner(db);
    const keys = await listOf(db, "select wallet_key from app_private.wallet_tokens");
    t.is(keys.length, 1);
    t.false(keys.some((key) => key.includes("wallet's") || key.includes("invented")));
  }),
);

test(
  "a mint that fails is tried again by the next who asks",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { mint } = createMint();
    const tokens = new WalletTokens(db, keyring).of(account, clock.now)("collections");
    const failing = () => Promise.reject(new Error("the provider is away"));
    const both = await Promise.allSettled([tokens.get(failing), tokens.get(failing)]);
    t.deepEqual(
      both.map(({ status }) => status),
      ["rejected", "rejected"],
    );
    t.is(await tokens.get(mint), "t1");
  }),
);

test(
  "a stored token that no key of ours opens is replaced",
  withDb(async (t, db) => {
    const clock = createClock(db);
    await clock.start();
    const { mint } = createMint();
    await new WalletTokens(db, newKeyring()).of(account, clock.now)("collections").get(mint);
    await clock.pass(1);
    t.is(await new WalletTokens(db, keyring).of(account, clock.now)("collections").get(mint), "t2");
    t.is(await new WalletTokens(db, keyring).of(account, clock.now)("collections").get(mint), "t2");
    await asOwner(db);
    t.is(await valueOf(db, "select count(*)::int from app_private.wallet_tokens"), 1);
  }),
);
