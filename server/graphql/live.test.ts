import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import { buildSchema } from "graphql";
import type { Client } from "pg";
import { z } from "zod";
import {
  type Account,
  alice,
  begin,
  bob,
  finish,
  incoming,
  leaseOf,
  linkMono,
  page,
  save,
} from "../../db/testing/world.ts";
import { everySubscription } from "../testing/every_operation.ts";
import { type SocketClient, tokenOf, withApi } from "../testing/graphql_api.ts";

/** What came first, with `action` done again and again until it does: a subscription has no word for "I am listening". */
async function nudge<T>(coming: Promise<T>, action: () => Promise<unknown>): Promise<T> {
  const state = { hasCome: false };
  const settled = coming.finally(() => (state.hasCome = true));
  settled.catch(() => undefined);
  while (!state.hasCome) await action();
  return settled;
}

const touch = (owner: Client, accountId: string): Promise<unknown> =>
  owner.query("update app_public.accounts set balance = coalesce(balance, 0) + 1 where id = $1", [accountId]);

const changed = z.object({
  value: z.object({ data: z.object({ myAccountChanged: z.looseObject({ accountId: z.string() }) }) }),
});

test(
  "a sync is seen as it begins, saves and ends, and its new transactions as they come",
  withApi(async (t, api, owner) => {
    const account = await linkMono(owner);
    const socket = api.socket(await tokenOf(alice));
    const accounts = socket.subscribe(
      "subscription { myAccountChanged { accountId account { accountName syncState { phase } } } }",
    );
    const runs = socket.subscribe(
      "subscription ($id: UUID) { syncProgress(accountId: $id) { run { status newCount } account { id } } }",
      { id: account.accountId },
    );
    const fresh = socket.subscribe("subscription { newTransactions { accountId transactions { amount narration } } }");
    const firstRun = runs.next();
    const firstFresh = fresh.next();
    await nudge(accounts.next(), () => touch(owner, account.accountId));
    const lease = leaseOf(await begin(owner, account));
    t.deepEqual((await firstRun).value, {
      data: { syncProgress: { run: { status: "in_progress", newCount: 0 }, account: { id: account.accountId } } },
    });
    const saved = runs.next();
    await save(owner, page(lease, [incoming("t1", "2026-03-05"), incoming("t2", "2026-03-06")]));
    t.like((await saved).value, { data: { syncProgress: { run: { status: "in_progress", newCount: 2 } } } });
    t.deepEqual((await firstFresh).value, {
      data: {
        newTransactions: {
          accountId: account.accountId,
          transactions: [
            { amount: "100.00", narration: "payment t2" },
            { amount: "100.00", narration: "payment t1" },
          ],
        },
      },
    });
    const ended = runs.next();
    await finish(owner, lease);
    t.like((await ended).value, { data: { syncProgress: { run: { status: "success", newCount: 2 } } } });
  }),
);

test(
  "nobody is told of another's account, whatever they ask for",
  withApi(async (t, api, owner) => {
    const hers = await linkMono(owner);
    const his = await linkMono(owner, { userId: bob });
    const hisSocket = api.socket(await tokenOf(bob));
    const everything = hisSocket.subscribe("subscription { myAccountChanged { accountId account { id } } }");
    const targeted = hisSocket.subscribe(
      "subscription ($id: UUID) { syncProgress(accountId: $id) { accountId run { id } } }",
      { id: hers.accountId },
    );
    const heard: unknown[] = [];
    void targeted.next().then((event) => heard.push(event));
    const herEvents = api
      .socket(await tokenOf(alice))
      .subscribe("subscription { myAccountChanged { accountId account { id } } }");
    // He listens once he hears of his own.
    const first = await nudge(everything.next(), () => touch(owner, his.accountId));
    t.is(changed.parse(first).value.data.myAccountChanged.accountId, his.accountId);
    await nudge(herEvents.next(), () => touch(owner, hers.accountId));
    await begin(owner, hers);
    // Events keep their order, so that whatever he was told of her would come before this.
    const next = await everything.next();
    t.is(changed.parse(next).value.data.myAccountChanged.accountId, his.accountId);
    await touch(owner, his.accountId);
    t.is(changed.parse(await everything.next()).value.data.myAccountChanged.accountId, his.accountId);
    t.deepEqual(heard, []);
  }),
);

/** All that subscriptions tell of happens once: a sync that saves something new, and a notification. */
async function happen(owner: Client, account: Account, mark: string): Promise<void> {
  const lease = leaseOf(await begin(owner, account));
  // Told apart by its narration: an equal one would wait for the end of its window.
  const id = randomUUID();
  await save(owner, page(lease, [incoming(id, "2026-03-05", { narration: `${mark} ${id}` })]));
  await finish(owner, lease);
  await owner.query(
    `insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at)
     values ($1, $2, 'mono', 'recovered', now())`,
    [account.userId, account.accountId],
  );
}

/** What comes of a subscription, as texts. */
function heardBy(socket: SocketClient, { field, text }: { field: string; text: string }) {
  const heard: string[] = [];
  const events = socket.subscribe(text);
  const listen = async (): Promise<void> => {
    for await (const event of events) heard.push(JSON.stringify(event));
  };
  // Ends with the server.
  listen().catch(() => undefined);
  return { field, heard };
}

test(
  "every subscription: what Alice is told, Bob is not, whether he asks for all or for her account",
  withApi(async (t, api, owner) => {
    const schema = buildSchema(await readFile(join(import.meta.dirname, "../schema.graphql"), "utf8"));
    const hers = await linkMono(owner, { accountName: "canary of hers" });
    const his = await linkMono(owner, { userId: bob, accountName: "his" });
    const [herSocket, hisSocket] = [api.socket(await tokenOf(alice)), api.socket(await tokenOf(bob))];
    const herOwn = everySubscription(schema, null).map((one) => heardBy(herSocket, one));
    const hisOwn = everySubscription(schema, null).map((one) => heardBy(hisSocket, one));
    const targeted = everySubscription(schema, hers.accountId).map((one) => heardBy(hisSocket, one));
    t.true(herOwn.length >= 4 && targeted.length >= 2);

    // Whoever has heard as much as this of his own was there for what came before.
    const untilAll = async (listeners: typeof herOwn, account: Account, mark: string): Promise<void> => {
      const before = listeners.map(({ heard }) => heard.length);
      while (listeners.some(({ heard }, n) => heard.length === before[n])) await happen(owner, account, mark);
    };
    await untilAll(hisOwn, his, "payment of his");
    await untilAll(herOwn, hers, "canary of hers");
    for (let round = 0; round < 3; round += 1) await untilAll(hisOwn, his, "payment of his");

    for (const { field, heard } of herOwn) {
      t.true(heard.join().includes("canary of hers"), `the control: she is told by ${field}`);
    }
    for (const { field, heard } of hisOwn) {
      t.true(heard.join().includes("his"), field);
      t.false(heard.join().includes("canary"), field);
      t.false(heard.join().includes(hers.accountId), field);
    }
    for (const { field, heard } of targeted) t.deepEqual(heard, [], `${field} of her account`);
  }),
);

test(
  "a socket without a token, or with a bad one, is closed; a good one stays until its token ends",
  withApi(async (t, api) => {
    t.is((await api.socket(null).closed).code, 4403);
    t.is(
      (await api.socket(await tokenOf(alice, { secret: "another secret that is long enough too" })).closed).code,
      4403,
    );
    const brief = api.socket(await tokenOf(alice, { expires: Math.floor(Date.now() / 1000) + 2 }));
    const longer = api.socket(await tokenOf(alice));
    await Promise.all([brief.opened, longer.opened]);
    const events = brief.subscribe("subscription { myAccountChanged { accountId } }");
    const pending = events.next();
    t.deepEqual(await brief.closed, { code: 4403, reason: "The token has expired" });
    await t.throwsAsync(pending, { any: true });
    // The control: it is still let in.
    const other = longer.subscribe("{ accounts { nodes { id } } }");
    const refusal: unknown = await t.throwsAsync(other.next(), { any: true });
    t.regex(JSON.stringify(refusal), /Queries and mutations are sent by POST/);
  }),
);

test(
  "idle subscribers share one session of the database",
  withApi(async (t, api, owner) => {
    const account = await linkMono(owner);
    const token = await tokenOf(alice);
    const subscribers = Array.from({ length: 5 }, () => api.socket(token));
    await Promise.all(subscribers.map(({ opened }) => opened));
    const waiting = subscribers.flatMap((socket) =>
      Array.from({ length: 10 }, () => socket.subscribe("subscription { myAccountChanged { accountId } }").next()),
    );
    // Each of the fifty is reached by one notification, and reads nothing but the ids that it asked for.
    const before = api.statements();
    await nudge(Promise.all(waiting), () => touch(owner, account.accountId));
    t.is(waiting.length, 50);
    t.true(api.statements() - before <= 50 * 5);
    t.is(api.listening(), 1);
  }),
);
