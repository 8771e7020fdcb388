import { createECDH, randomBytes } from "node:crypto";
import test from "ava";
import type { Client } from "pg";
import { listOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import { alice, bob, noon, savePushSubscription, setClock } from "../testing/world.ts";

const p256dh = createECDH("prime256v1").generateKeys("base64url");
const auth = randomBytes(16).toString("base64url");
const known = "https://fcm.googleapis.com/fcm/send/abc:DEF-1_2";

const save = (db: Client, endpoint: unknown, key: unknown = p256dh, secret: unknown = auth) =>
  db.query("select app_public.save_push_subscription($1, $2, $3)", [endpoint, key, secret]);
const endpoints = (db: Client) =>
  listOf(db, "select endpoint from app_public.push_subscriptions order by saved_at, id");

test(
  "saved once, however often; removed once, however often; the keys are for the machinery only",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await asUser(db, alice);
    await save(db, known);
    await setClock(await owner(db), "2026-03-11T12:00:00Z");
    await asUser(db, alice);
    const other = createECDH("prime256v1").generateKeys("base64url");
    await save(db, known, `${other}=`, `${auth}==`);
    t.deepEqual(await rowsOf(db, "select endpoint, saved_at from app_public.push_subscriptions"), [
      { endpoint: known, saved_at: "2026-03-11 12:00:00+00" },
    ]);
    for (const column of ["p256dh", "auth", "*"]) {
      const refusal = await refusalOf(db, () => db.query(`select ${column} from app_public.push_subscriptions`));
      t.is(refusal.code, "42501", column);
    }
    await asOwner(db);
    t.deepEqual(await rowsOf(db, "select p256dh, auth from app_public.push_subscriptions"), [{ p256dh: other, auth }]);
    await asUser(db, bob);
    await db.query("select app_public.remove_push_subscription($1)", [known]);
    await asUser(db, alice);
    t.deepEqual(await endpoints(db), [known], "another's stays");
    const removed = () => valueOf(db, "select (app_public.remove_push_subscription($1)).endpoint", [known]);
    t.is(await removed(), known);
    t.is(await removed(), null);
    t.deepEqual(await endpoints(db), []);
  }),
);

async function owner(db: Client): Promise<Client> {
  await asOwner(db);
  return db;
}

test(
  "only a push service that we know; push_service_of.test.ts has all the tricks of spelling",
  withDb(async (t, db) => {
    await asUser(db, alice);
    for (const endpoint of [
      "",
      null,
      "http://fcm.googleapis.com/fcm/send/x",
      "https://fcm.googleapis.com@evil.example/x",
      "https://169.254.169.254/latest/meta-data",
      `https://fcm.googleapis.com/${"x".repeat(2000)}`,
    ]) {
      const refusal = await refusalOf(db, () => save(db, endpoint));
      t.is(refusal.code, "PSHNV", String(endpoint));
      t.regex(refusal.message, /push service/);
    }
    for (const endpoint of [known, "https://wns2-par02p.notify.windows.com/w/?token=BQYAAAB%2f"])
      await save(db, endpoint);
    t.is((await endpoints(db)).length, 2, "the control");
  }),
);

test(
  "keys that no browser makes are refused, with the name of the one that is wrong",
  withDb(async (t, db) => {
    await asUser(db, alice);
    const compressed = createECDH("prime256v1").generateKeys("base64url", "compressed");
    for (const key of [
      null,
      "",
      "abc",
      compressed,
      `${p256dh}AAAA`,
      `A${p256dh.slice(1)}`,
      `${p256dh.slice(0, -1)}!`,
    ]) {
      const refusal = await refusalOf(db, () => save(db, known, key));
      t.is(refusal.code, "PSHNV", String(key));
      t.regex(refusal.message, /p256dh/);
    }
    for (const secret of [null, "", "short", randomBytes(17).toString("base64url"), `${auth.slice(0, -1)} `]) {
      const refusal = await refusalOf(db, () => save(db, known, p256dh, secret));
      t.is(refusal.code, "PSHNV", String(secret));
      t.regex(refusal.message, /auth/);
    }
    await asVisitorNobody(db);
    t.is((await refusalOf(db, () => save(db, known))).code, "NTFND");
    await asUser(db, alice);
    await save(db, known);
    t.deepEqual(await endpoints(db), [known], "the control");
  }),
);

test(
  "a browser belongs to whoever signed in last, and of more than twenty the one saved longest ago goes",
  withDb(async (t, db) => {
    await asUser(db, alice);
    await save(db, known);
    await asUser(db, bob);
    t.deepEqual(await endpoints(db), []);
    await save(db, known);
    await asUser(db, alice);
    t.deepEqual(await endpoints(db), []);

    await asUser(db, bob);
    const others = Array.from({ length: 20 }, (_, n) => `https://web.push.apple.com/${n}`);
    for (const endpoint of others) await savePushSubscription(db, endpoint);
    t.deepEqual(await endpoints(db), others);
  }),
);

test(
  "two at the same moment: of one browser, of one user, the second waits and finds the first",
  twoSessions(async (t, a, b) => {
    for (const session of [a, b]) await asUser(session, alice);
    await a.query("begin");
    await save(a, known);
    const waiting = save(b, known);
    await a.query("commit");
    await waiting;
    await asOwner(a);
    t.is(await valueOf(a, "select count(*)::int from app_public.push_subscriptions"), 1);
  }),
);
