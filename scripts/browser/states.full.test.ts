import test from "ava";
import type { Page } from "playwright-core";
import { suspendSyncs } from "../../db/queries/runs.ts";
import type { Queryable } from "../../db/queryable.ts";
import {
  type Account,
  begin,
  complete,
  emptyLog,
  fail,
  finish,
  incoming,
  leaseOf,
  linkMomo,
  linkMono,
  page as pageOf,
  save,
} from "../../db/testing/world.ts";
import { isAccessible } from "../../server/web/testing/accessible.ts";
import { MINUTE } from "./at_the_page.ts";
import { NOON, onPageStage, type PageStage, type Visit } from "./page_stage.ts";
import { looksAsBefore } from "../../server/web/testing/pictures.ts";

/*
 * Every state that an account may be in, as the server tells it: arranged through the verbs, seen in a browser, read as
 * text, drawn as a picture, and put before axe. Time stands still.
 */

/** Ten minutes later, when the cooldown after a sync is over. */
const LATER = NOON + 10 * MINUTE;

type Arrange = (db: Queryable, at: PageStage["stage"]) => Promise<Account>;
type State = { name: string; arrange: Arrange; at: number; status: string; tells: RegExp; button: RegExp | null };

const iso = (moment: number): string => new Date(moment).toISOString();
/** Always the same ones: when an account is due depends on its id. */
let made = 0;
const nextIds = (): { accountId: string; userId: string } => {
  made += 1;
  const end = String(made).padStart(12, "0");
  return { accountId: `acc00000-0000-4000-8000-${end}`, userId: `50e00000-0000-4000-8000-${end}` };
};

const bank = (db: Queryable, institution = "GTBank"): Promise<Account> =>
  linkMono(db, { ...nextIds(), institution, institutionCode: institution, historyDays: 100 });

const settle = (db: Queryable, { accountId }: Account, days: string): Promise<unknown> =>
  db.query("update app_private.coverage set settled = $2 where account_id = $1", [accountId, days]);

/** Synced at noon, settled through the 6th. */
async function synced(db: Queryable, account: Account): Promise<Account> {
  const lease = leaseOf(await begin(db, account));
  const rows = [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")];
  await save(db, pageOf(lease, rows, complete(rows, { asOf: iso(NOON) })));
  await finish(db, lease, {
    balance: "152340.75",
    balanceAsOf: iso(NOON),
    dataAsOf: iso(NOON),
    log: { ...emptyLog, seen: 2, pages: 1 },
  });
  await settle(db, account, "{[2025-11-30,2026-03-07)}");
  return account;
}

async function failed(
  db: Queryable,
  account: Account,
  ...args: [kind: Parameters<typeof fail>[2], fields?: Parameters<typeof fail>[3]]
): Promise<Account> {
  await fail(db, leaseOf(await begin(db, account)), ...args);
  return account;
}

const states: State[] = [
  {
    name: "never_synced",
    at: LATER,
    async arrange(db) {
      const account = await bank(db);
      await db.query(
        "update app_private.sync_states set next_sync_at = $2, enqueued_until = null where account_id = $1",
        [account.accountId, iso(LATER + 3 * 60 * MINUTE)],
      );
      return account;
    },
    status: "Never synced",
    tells: /The first sync comes 15:10\./,
    button: /Sync now/,
  },
  {
    name: "queued",
    at: LATER,
    arrange: (db) => bank(db),
    status: "In line",
    tells: /first sync is about to begin/,
    button: /In line/,
  },
  {
    name: "up_to_date",
    at: LATER,
    arrange: async (db) => synced(db, await bank(db)),
    status: "Up to date",
    tells: /Updated 10 min ago, complete through 6 Mar\./,
    button: /Sync now/,
  },
  {
    name: "cooling_down",
    at: NOON + MINUTE,
    arrange: async (db) => synced(db, await bank(db)),
    status: "Up to date",
    tells: /Updated 1 min ago/,
    button: /Again at 12:05/,
  },
  {
    name: "gap",
    at: LATER,
    async arrange(db) {
      const account = await synced(db, await bank(db));
      await settle(db, account, "{[2025-11-30,2026-03-03),[2026-03-06,2026-03-07)}");
      return account;
    },
    status: "Up to date",
    tells: /3\s?–\s?5 Mar missing, fetched next/,
    button: /Sync now/,
  },
  {
    name: "running",
    at: LATER,
    async arrange(db, stage) {
      const account = await synced(db, await bank(db));
      await settle(db, account, "{[2025-11-30,2026-03-03),[2026-03-06,2026-03-07)}");
      await stage.moveTo(LATER);
      const lease = leaseOf(await begin(db, account));
      await save(db, pageOf(lease, [incoming("t3", "2026-03-08"), incoming("t4", "2026-03-09")]));
      return account;
    },
    status: "Syncing",
    tells: /1 page read, 2 new or changed.*3\s?–\s?5 Mar missing, being fetched/s,
    button: /Syncing…/,
  },
  {
    name: "waiting",
    at: LATER,
    async arrange(db, stage) {
      const account = await synced(db, await bank(db));
      await stage.moveTo(LATER);
      const details = await begin(db, account);
      await suspendSyncs(db, [{ ...leaseOf(details), until: iso(LATER + MINUTE), state: details.state }]);
      return account;
    },
    status: "Waiting for the bank",
    tells: /refreshing its data; asked again 12:11/,
    button: /Waiting…/,
  },
  {
    name: "retrying",
    at: LATER,
    async arrange(db, stage) {
      const account = await synced(db, await bank(db));
      await stage.moveTo(NOON + 5 * MINUTE);
      return failed(db, account, "transient", { retryAt: iso(NOON + 25 * MINUTE) });
    },
    status: "Trying again",
    tells: /The connection broke off\. Next try 12:2\d/,
    button: /Sync now/,
  },
  {
    name: "gone",
    at: LATER,
    arrange: async (db) => failed(db, await synced(db, await bank(db)), "account_gone"),
    status: "No longer known",
    tells: /no longer knows this account\. Link it again/,
    button: /./,
  },
  {
    name: "needs_you",
    at: LATER,
    arrange: async (db) => failed(db, await synced(db, await bank(db)), "auth_required"),
    status: "Needs you",
    tells: /Your bank wants you to log in again/,
    button: /Log in at the bank/,
  },
  {
    name: "wallet_needs_you",
    at: LATER,
    async arrange(db) {
      const account = await linkMomo(db, { ...nextIds(), institution: "MTN MoMo" });
      await fail(db, leaseOf(await begin(db, account, "worker-1", "mtn_momo")), "auth_required");
      return account;
    },
    status: "Needs you",
    tells: /API key is no longer accepted/,
    button: /Enter a new key/,
  },
  {
    name: "provider_down",
    at: LATER,
    async arrange(db, stage) {
      const account = await synced(db, await bank(db, "Zenith Bank"));
      await stage.moveTo(LATER);
      for (let n = 0; n < 5; n += 1) await failed(db, await bank(db, "Zenith Bank"), "provider_down");
      return account;
    },
    status: "Bank is down",
    tells: /Nothing is lost: it is asked again 12:1\d/,
    button: /Again at 12:1\d/,
  },
  {
    name: "paused",
    at: LATER,
    async arrange(db) {
      const account = await synced(db, await bank(db));
      await db.query("update app_public.accounts set paused_at = $2 where id = $1", [account.accountId, iso(NOON)]);
      return account;
    },
    status: "Paused",
    tells: /Syncs of this account are paused/,
    button: null,
  },
  {
    name: "wallet_without_list",
    at: LATER,
    async arrange(db) {
      const account = await linkMomo(db, { ...nextIds(), institution: "MTN MoMo" });
      const lease = leaseOf(await begin(db, account, "worker-1", "mtn_momo"));
      await finish(db, lease, { balance: "1250000", balanceAsOf: iso(NOON), dataAsOf: iso(NOON) });
      return account;
    },
    status: "Up to date",
    tells: /Follows the payments that your app requests/,
    button: /Sync now/,
  },
];

const ready = async (page: Page): Promise<void> => {
  await page.locator(".card").first().waitFor();
  await page.evaluate("document.fonts.ready");
};

test.serial(
  "every state is told in words, drawn as accepted, and open to everybody",
  onPageStage(async (t, { stage, visit }) => {
    t.timeout(240_000);
    for (const state of states) {
      await stage.moveTo(NOON);
      const account = await state.arrange(stage.owner, stage);
      await stage.moveTo(state.at);
      const page = await visit(account.userId, { isFrozen: true });
      await ready(page);
      const card = page.locator(".card");
      t.is(await card.locator(".status-word").innerText(), state.status, state.name);
      t.regex(await card.innerText(), state.tells, state.name);
      const buttons = card.locator(".sync-button button");
      if (state.button === null) t.is(await buttons.count(), 0, state.name);
      else t.regex(await buttons.innerText(), state.button, state.name);
      await isAccessible(t, page, state.name);
      await looksAsBefore(t, state.name, card);
      await page.context().close();
    }
  }),
);

/** One person with a bank account that has a gap, and a wallet that needs them. */
async function gapAndWallet(db: Queryable): Promise<string> {
  // A database of their own, so that the same ones will do however many tests were before.
  made = 100;
  const account = await synced(db, await bank(db));
  await settle(db, account, "{[2025-11-30,2026-03-03),[2026-03-06,2026-03-07)}");
  const wallet = await linkMomo(db, { ...nextIds(), userId: account.userId, institution: "MTN MoMo" });
  await fail(db, leaseOf(await begin(db, wallet, "worker-1", "mtn_momo")), "auth_required");
  return account.userId;
}

test.serial(
  "in the dark, on a phone, in French and without a network it is as readable, and open to everybody",
  onPageStage(async (t, { stage, visit, network }) => {
    t.timeout(300_000);
    const userId = await gapAndWallet(stage.owner);
    await stage.moveTo(LATER);
    const looks: { name: string; options: Visit; tells: RegExp }[] = [
      { name: "dark", options: { colorScheme: "dark" }, tells: /3\s?–\s?5 Mar missing/ },
      { name: "phone", options: { viewport: { width: 360, height: 740 } }, tells: /1 account needs you/ },
      {
        name: "phone_dark_french",
        options: { viewport: { width: 360, height: 740 }, colorScheme: "dark", locale: "fr-CM" },
        tells: /1 compte a besoin de vous/,
      },
      { name: "french", options: { locale: "fr-CM" }, tells: /à jour jusqu|complet jusqu/ },
    ];
    for (const { name, options, tells } of looks) {
      const page = await visit(userId, { isFrozen: true, ...options });
      await ready(page);
      await page.locator(".bell-count").waitFor();
      t.regex(await page.locator("#root").innerText(), tells, name);
      t.is(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0, `${name} fits`);
      await isAccessible(t, page, name);
      await looksAsBefore(t, name, page);
      await page.context().close();
    }

    const page = await visit(userId, { isFrozen: true });
    await ready(page);
    await page.locator(".bell-count").waitFor();
    await network.cut();
    await page.context().setOffline(true);
    await page.getByText("You are offline.").waitFor();
    t.regex(await page.locator(".summary").innerText(), /This is what was known at 12:10\./);
    await isAccessible(t, page, "offline");
    await looksAsBefore(t, "offline", page);
  }),
);

test.serial(
  "what opens is open to everybody too: notifications, settings, activity, a new key; also in the dark and on a phone",
  onPageStage(async (t, { stage, visit }) => {
    t.timeout(300_000);
    const userId = await gapAndWallet(stage.owner);
    await stage.moveTo(LATER);
    for (const options of [{}, { viewport: { width: 360, height: 740 }, colorScheme: "dark" }] as const) {
      const page = await visit(userId, { isFrozen: true, ...options });
      await ready(page);
      await page.getByText("When to sync").first().click();
      await page.getByText("Activity").first().click();
      await page.locator(".transaction").first().waitFor();
      await page.getByRole("button", { name: /^Enter a new key/ }).click();
      await page.getByLabel("New API key").waitFor();
      await isAccessible(t, page, "panels");
      t.is(await page.evaluate("document.documentElement.scrollWidth - innerWidth"), 0, "all of it fits");
      await page.getByRole("button", { name: /^Notifications/ }).click();
      await page.getByText("How you are told").click();
      await page.getByLabel("Let pushes wait for the morning").waitFor();
      await isAccessible(t, page, "notifications");
      await page.context().close();
    }
  }),
);
