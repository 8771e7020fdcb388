import test from "ava";
import type { Queryable } from "../queryable.ts";
import { rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { twoSessions, withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asOwner, asUser, asVisitorNobody } from "../testing/roles.ts";
import { suspendSyncs } from "../queries/runs.ts";
import {
  type Account,
  alice,
  begin,
  bob,
  emptyQueue,
  fail,
  finish,
  jobs,
  leaseOf,
  linkMono,
  noon,
  setClock,
} from "../testing/world.ts";

let keys = 0;
const newKey = (): string => `key-${String((keys += 1)).padStart(6, "0")}`;

/** Pressed by the account's user, through RLS and grants as they are. */
async function press(db: Queryable, { accountId, userId }: Account, key = newKey()) {
  await asUser(db, userId);
  const answer = await rowOf(db, "select outcome::text, until from app_public.request_sync($1, $2)", [accountId, key]);
  await asOwner(db);
  return answer;
}

/** An account whose run was begun at noon and has ended. */
async function attempted(db: Queryable, ending: Parameters<typeof fail>[2] | "success"): Promise<Account> {
  await setClock(db, noon);
  const account = await linkMono(db);
  const lease = await begin(db, account);
  await (ending === "success" ? finish(db, lease) : fail(db, lease, ending));
  await emptyQueue(db);
  return account;
}

test(
  "queued: first in line, and it carries no schedule, so that it always runs",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    t.deepEqual(await press(db, account), { outcome: "queued", until: null });
    t.deepEqual(await jobs(db), [
      {
        task: "mono_sync",
        payload: { accountId: account.accountId, trigger: "user" },
        key: `sync:${account.accountId}`,
        priority: -10,
        max_attempts: 3,
      },
    ]);
    await press(db, account);
    t.is((await jobs(db)).length, 1, "a second press adds no second job");
  }),
);

test(
  "already_running: held or waiting",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const lease = leaseOf(await begin(db, account));
    await emptyQueue(db);
    t.deepEqual(await press(db, account), { outcome: "already_running", until: null });
    await suspendSyncs(db, [{ ...lease, until: "2026-03-10T13:00:00Z", state: {} }]);
    t.deepEqual(await press(db, account), { outcome: "already_running", until: null });
    t.deepEqual(await jobs(db), []);
  }),
);

test(
  "cooling_down: until five minutes after the last attempt",
  withDb(async (t, db) => {
    const account = await attempted(db, "success");
    await setClock(db, "2026-03-10T12:04:59Z");
    t.deepEqual(await press(db, account), { outcome: "cooling_down", until: "2026-03-10 12:05:00+00" });
    t.deepEqual(await jobs(db), []);
    await setClock(db, "2026-03-10T12:05:00Z");
    t.is((await press(db, account)).outcome, "queued");
  }),
);

test(
  "needs_you: one probe per cooldown for a link that expired",
  withDb(async (t, db) => {
    const account = await attempted(db, "auth_required");
    t.deepEqual(await press(db, account), { outcome: "needs_you", until: "2026-03-10 12:05:00+00" });
    t.deepEqual(await jobs(db), []);
    await setClock(db, "2026-03-10T12:05:00Z");
    t.is((await press(db, account)).outcome, "queued");
  }),
);

for (const kind of ["transient", "account_gone", "invalid_response"] as const) {
  test(
    `backoff never applies, and an error state never prevents the sync that would clear it: ${kind}`,
    withDb(async (t, db) => {
      const account = await attempted(db, kind);
      await db.query("update app_public.accounts set sync_status = 'error'");
      await db.query("update app_private.sync_states set failures = 9, next_sync_at = '2027-01-01'");
      t.is((await press(db, account)).outcome, "cooling_down");
      await setClock(db, "2026-03-10T12:05:00Z");
      t.is((await press(db, account)).outcome, "queued");
    }),
  );
}

test(
  "paused: the account, or the platform, until an end if it has one",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await emptyQueue(db);
    const pause = (until: string | null, reason: string | null) =>
      db.query("update app_private.platforms set paused_until = $1, paused_reason = $2", [until, reason]);
    await db.query("update app_public.accounts set paused_at = app_private.clock()");
    t.deepEqual(await press(db, account), { outcome: "paused", until: null });
    await db.query("update app_public.accounts set paused_at = null");
    await pause("2026-03-10 12:03:00+00", "configuration: our key is refused");
    t.deepEqual(await press(db, account), { outcome: "paused", until: "2026-03-10 12:03:00+00" });
    await pause("infinity", "maintenance");
    t.deepEqual(await press(db, account), { outcome: "paused", until: null });
    await pause("2026-03-10 12:03:00+00", null);
    t.deepEqual(await jobs(db), []);
    await setClock(db, "2026-03-10T12:03:00Z");
    t.is((await press(db, account)).outcome, "queued");
  }),
);

for (const [what, code, outcome] of [
  ["its institution", "058", "provider_down"],
  ["its whole platform", "", "provider_down"],
  ["another institution", "044", "queued"],
] as const) {
  test(
    `${outcome}: ${what} is down`,
    withDb(async (t, db) => {
      await setClock(db, noon);
      const account = await linkMono(db, { institutionCode: "058" });
      await emptyQueue(db);
      await db.query(
        `insert into app_private.breakers (platform_source, institution_code, opened_at, next_probe_at)
         values ('mono', $1, app_private.clock(), '2026-03-10 12:03:00+00')`,
        [code],
      );
      const until = outcome === "queued" ? null : "2026-03-10 12:03:00+00";
      t.deepEqual(await press(db, account), { outcome, until });
      await setClock(db, "2026-03-10T12:03:00Z");
      t.is((await press(db, account)).outcome, "queued", "when the probe is due, somebody's press may be it");
    }),
  );
}

test(
  "the same key within 24 hours gets the same answer and adds nothing",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    t.is((await press(db, account, "the same key")).outcome, "queued");
    await emptyQueue(db);
    await begin(db, account);
    await setClock(db, "2026-03-11T11:59:59Z");
    t.deepEqual(await press(db, account, "the same key"), { outcome: "queued", until: null });
    t.deepEqual(await jobs(db), []);
    // Positive controls: another key, and the same one a day later.
    t.is((await press(db, account, "another key")).outcome, "already_running");
    await setClock(db, "2026-03-11T12:00:00Z");
    t.is((await press(db, account, "the same key")).outcome, "already_running");
  }),
);

test(
  "KEYRE: a key that was used for another account; another user's keys are another matter",
  withDb(async (t, db) => {
    const [first, second, bobs] = [await linkMono(db), await linkMono(db), await linkMono(db, { userId: bob })];
    await press(db, first, "one key only");
    const refusal = await refusalOf(db, () => press(db, second, "one key only"));
    t.is(refusal.code, "KEYRE");
    t.is((await press(db, bobs, "one key only")).outcome, "queued");
    t.is((await press(db, second, "a second key")).outcome, "queued");
  }),
);

test(
  "NTFND: somebody else's account, an unlinked one, one that never was, and nobody's request",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const codeOf = async (as: () => Promise<void>, accountId: string) => {
      const refusal = await refusalOf(db, async () => {
        await as();
        await db.query("select app_public.request_sync($1, 'some key of mine')", [accountId]);
      });
      return refusal.code;
    };
    t.is(await codeOf(() => asUser(db, bob), account.accountId), "NTFND");
    t.is(await codeOf(() => asVisitorNobody(db), account.accountId), "NTFND");
    t.is(await codeOf(() => asUser(db, alice), "99999999-9999-4999-8999-999999999999"), "NTFND");
    await asOwner(db);
    t.is(await valueOf(db, "select count(*) from app_private.idempotency_keys"), "0");
    t.is((await press(db, account)).outcome, "queued");
    await db.query("update app_public.accounts set unlinked_at = now()");
    t.is(await codeOf(() => asUser(db, alice), account.accountId), "NTFND");
  }),
);

test(
  "a key of fewer than eight characters is refused",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    t.is((await refusalOf(db, () => press(db, account, "7 chars"))).code, "KEYNV");
    t.is((await press(db, account, "8 charac")).outcome, "queued");
  }),
);

test(
  "pressed twice at once with one key: one job, one answer",
  twoSessions(async (t, a, b) => {
    const account = await linkMono(a);
    await emptyQueue(a);
    const pid = await valueOf(b, "select pg_backend_pid()");
    await a.query("begin");
    t.is((await press(a, account, "double tap")).outcome, "queued");
    const second = press(b, account, "double tap");
    while ((await valueOf(a, "select cardinality(pg_blocking_pids($1))", [pid])) === 0);
    await a.query("commit");
    t.deepEqual(await second, { outcome: "queued", until: null });
    t.is((await rowsOf(a, "select from app_private.idempotency_keys")).length, 1);
    t.is((await jobs(a)).length, 1);
  }),
);

test(
  "pressed while a run is being opened: it is already running",
  twoSessions(async (t, a, b) => {
    const account = await linkMono(a);
    const pid = await valueOf(b, "select pg_backend_pid()");
    await a.query("begin");
    await begin(a, account);
    const pressed = press(b, account);
    while ((await valueOf(a, "select cardinality(pg_blocking_pids($1))", [pid])) === 0);
    await a.query("commit");
    t.is((await pressed).outcome, "already_running");
  }),
);
