import test from "ava";
import type { Queryable } from "../queryable.ts";
import { rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { asOwner, asUser } from "../testing/roles.ts";
import {
  alice,
  type Account,
  begin,
  fail,
  finish,
  leaseOf,
  linkMono,
  noon,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

const later = (minutes: number): string => new Date(Date.parse(noon) + minutes * 60_000).toISOString();

const linkMany = async (db: Queryable, institutionCode: string, count: number): Promise<Account[]> => {
  const accounts: Account[] = [];
  for (let nth = 0; nth < count; nth += 1) accounts.push(await linkMono(db, { institutionCode }));
  return accounts;
};

const failAll = async (db: Queryable, accounts: Account[], kind: "transient" | "provider_down"): Promise<void> => {
  for (const account of accounts) await fail(db, leaseOf(await begin(db, account)), kind);
};

const openIncidents = (db: Queryable): Promise<unknown> =>
  valueOf(db, "select count(*)::int from app_private.incidents where closed_at is null");

test(
  "five accounts failing at one bank open its breaker: one incident, one probe, and another bank is not touched",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const sick = await linkMany(db, "058", 8);
    const [healthy] = await linkMany(db, "044", 1);
    await failAll(db, sick.slice(0, 4), "transient");
    t.is(await openIncidents(db), 0);
    await failAll(db, sick.slice(4, 5), "transient");
    t.is(await openIncidents(db), 1);

    const waiting = sick[5];
    if (waiting === undefined || healthy === undefined) throw new Error("eight accounts and one were linked");
    t.is((await tryBegin(db, waiting)).outcome, "provider_down");
    t.true(String((await stateRow(db, waiting)).next_sync_at) >= "2026-03-10 12:01:00+00");
    t.is((await tryBegin(db, healthy)).outcome, "begun");

    // A minute later one account probes, and only one.
    await setClock(db, later(1.1));
    const probe = await tryBegin(db, waiting);
    t.is(probe.outcome, "begun");
    t.is((await tryBegin(db, sick[6] ?? waiting)).outcome, "provider_down");
    if (probe.outcome !== "begun") return;

    // It fails: still one incident, and the next probe is further away.
    await fail(db, leaseOf(probe.details), "provider_down");
    t.is(await openIncidents(db), 1);
    await setClock(db, later(2.2));
    t.is((await tryBegin(db, sick[6] ?? waiting)).outcome, "provider_down");

    // The next one succeeds: the incident is closed, and those who waited are due within a minute.
    await setClock(db, later(8));
    const second = await begin(db, sick[6] ?? waiting);
    await finish(db, leaseOf(second));
    t.is(await openIncidents(db), 0);
    t.is(await valueOf(db, "select count(*)::int from app_private.incidents"), 1);
    for (const account of sick.slice(0, 5)) {
      t.true(Date.parse(String((await stateRow(db, account)).next_sync_at)) <= Date.parse(later(9)));
    }
    t.is((await tryBegin(db, sick[7] ?? waiting)).outcome, "begun");
  }),
);

test(
  "one account failing five times is one account, and a success in between starts the count again",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = await linkMany(db, "058", 5);
    const [first] = accounts;
    if (first === undefined) throw new Error("five accounts were linked");
    for (let nth = 0; nth < 5; nth += 1) await failAll(db, [first], "provider_down");
    t.is(await openIncidents(db), 0);
    await failAll(db, accounts.slice(1, 4), "transient");
    await finish(db, leaseOf(await begin(db, accounts[4] ?? first)));
    await failAll(db, accounts.slice(0, 4), "transient");
    t.is(await openIncidents(db), 0);
    await failAll(db, accounts.slice(4), "transient");
    t.is(await openIncidents(db), 1);
  }),
);

test(
  "ten accounts of different banks that reach nobody open the platform's breaker",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts: Account[] = [];
    for (let nth = 0; nth < 11; nth += 1) accounts.push(...(await linkMany(db, `bank-${nth}`, 1)));
    await failAll(db, accounts.slice(0, 10), "provider_down");
    t.deepEqual(await rowsOf(db, "select institution_code from app_private.incidents"), [{ institution_code: "" }]);
    const [last] = accounts.slice(10);
    if (last === undefined) throw new Error("eleven accounts were linked");
    t.is((await tryBegin(db, last)).outcome, "provider_down");
    await db.query("select app_private.set_clock($1)", [later(1.1)]);
    t.is((await tryBegin(db, last)).outcome, "begun");
  }),
);

test(
  "Sync now says that the provider is down, and until when",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = await linkMany(db, "058", 6);
    await failAll(db, accounts.slice(0, 5), "transient");
    const [, , , , , last] = accounts;
    if (last === undefined) throw new Error("six accounts were linked");
    const ask = async (key: string) => {
      await asUser(db, alice);
      const [answer] = await rowsOf(db, "select (r).* from app_public.request_sync($1, $2) r", [last.accountId, key]);
      await asOwner(db);
      return answer;
    };
    t.deepEqual(await ask("tap-number-1"), { outcome: "provider_down", until: "2026-03-10 12:01:00+00" });
    await setClock(db, later(1.1));
    t.like(await ask("tap-number-2"), { outcome: "queued" });
  }),
);

test(
  "a closing breaker waits for nobody who closes a run of his own",
  twoSessions(async (t, a, b) => {
    await setClock(a, noon);
    const accounts = await linkMany(a, "058", 7);
    await failAll(a, accounts.slice(0, 5), "transient");
    await setClock(a, later(1.1));
    const [one, two] = accounts.slice(5);
    if (one === undefined || two === undefined) throw new Error("seven accounts were linked");
    const probe = await begin(a, one);
    await setClock(a, later(4));
    const second = await begin(a, two);
    await a.query("begin");
    await b.query("begin");
    await finish(a, leaseOf(probe));
    // b holds its own account's row and waits for the breaker that a holds; a must not wait for b.
    const waiting = finish(b, leaseOf(second));
    await a.query("commit");
    t.is(await waiting, "ok");
    await b.query("commit");
    t.is(await openIncidents(a), 0);
  }),
);
