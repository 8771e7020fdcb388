import { readFile, readdir } from "node:fs/promises";
import { join } from "node:path";
import test from "ava";
import type { Queryable } from "../queryable.ts";
import { enqueueDueSyncs } from "../queries/dispatch.ts";
import { beat } from "../queries/workers.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { asAdmin, asOwner } from "../testing/roles.ts";
import {
  type Account,
  begin,
  emptyLog,
  emptyQueue,
  fail,
  finish,
  linkMomo,
  linkMono,
  noon,
  setClock,
} from "../testing/world.ts";

const count = (db: Queryable) => rowOf(db, "select * from app_admin.count_now()");

/** Accounts of banks 044 and 058 that were synced at noon, and one of each that fails. */
async function banks(db: Queryable): Promise<Account[]> {
  await setClock(db, "2026-03-10T11:59:58Z");
  await db.query("update app_private.platforms set admin_interval = '1 day'");
  const accounts: Account[] = [];
  for (const institutionCode of ["044", "044", "044", "058", "058"]) {
    accounts.push(await linkMono(db, { institutionCode }));
  }
  await emptyQueue(db);
  for (const [n, account] of accounts.entries()) {
    await setClock(db, "2026-03-10T11:59:58Z");
    const lease = await begin(db, account);
    await setClock(db, noon);
    if (n === 2 || n === 4) {
      await fail(db, lease, n === 2 ? "transient" : "auth_required", { message: "It failed.", code: "E1" });
    } else await finish(db, lease, { log: { ...emptyLog, requests: 2 } });
  }
  return accounts;
}

test("each view's first line is the question it answers, and its comment begins with the same words", async (t) => {
  const views = new Map<string, string>();
  for (const file of (await readdir(import.meta.dirname)).filter((name) => name.endsWith(".sql"))) {
    const text = await readFile(join(import.meta.dirname, file), "utf8");
    if (!text.includes("create or replace view app_public.")) views.set(file, text);
  }
  t.true(views.size >= 15);
  for (const [file, text] of views) {
    const [, question = "no question"] = /^-- (.*?\?)/.exec(text) ?? [];
    t.true(text.includes(`create or replace view app_admin.${file.slice(0, -4)} with (security_barrier)`), file);
    const [, comment = ""] = /comment on view app_admin\.\w+ is\s+'(.*)';/.exec(text) ?? [];
    t.true(comment.startsWith(question.replaceAll("'", "''")), `${file}: ${question} / ${comment}`);
  }
});

test(
  "every short name of psqlrc is a question that the operator may ask",
  withDb(async (t, db) => {
    const psqlrc = await readFile(join(import.meta.dirname, "../psqlrc"), "utf8");
    const names = [...psqlrc.matchAll(/^\\set ([a-z]+) '(.*);'$/gm)];
    t.true(names.length > 12);
    await asAdmin(db);
    for (const [, name, question = ""] of names) {
      await t.notThrowsAsync(async () => db.query(question.replaceAll("\\'", "'")), name);
    }
  }),
);

test(
  "platform_health: rates, durations, transactions and freshness, of each platform",
  withDb(async (t, db) => {
    await banks(db);
    // The one that never succeeded is stale once a quarter of an hour has gone.
    await setClock(db, "2026-03-10T12:20:00Z");
    await count(db);
    await asAdmin(db);
    const health = await rowOf(db, "select * from app_admin.platform_health where platform_source = 'mono'");
    t.like(health, {
      verdict: "not dispatched",
      accounts: "5",
      needs_owner: "1",
      failing: "2",
      stale: "1",
      freshness: 0.75,
      success_rate_1h: 0.6,
      success_rate_24h: 0.6,
      success_rate_30d: 0.6,
      runs_24h: "5",
      requests_24h: "6",
      interrupted_24h: "0",
    });
    const median = await valueOf(
      db,
      "select extract(epoch from p50)::float8 from app_admin.platform_health where platform_source = 'mono'",
    );
    t.true(Math.abs(Number(median) / 2 - 1) < 0.19, `two seconds, within a bucket: ${String(median)}`);
    t.like(await rowOf(db, "select * from app_admin.platform_health where platform_source = 'mtn_momo'"), {
      runs_24h: "0",
      success_rate_24h: null,
      p50: null,
    });
    await asOwner(db);
    await enqueueDueSyncs(db, "mono", 10);
    await asAdmin(db);
    const verdict = () => valueOf(db, "select verdict from app_admin.platform_health where platform_source = 'mono'");
    t.is(await verdict(), "stale");
    await asOwner(db);
    await setClock(db, "2026-03-12T12:00:00Z");
    await count(db);
    t.like(await rowOf(db, "select * from app_admin.platform_health where platform_source = 'mono'"), {
      runs_24h: "0",
      success_rate_30d: 0.6,
      freshness: 0,
    });
    await db.query("update app_private.platforms set paused_until = 'infinity', paused_reason = 'maintenance'");
    t.is(await verdict(), "paused");
    const back = () =>
      listOf(
        db,
        "select concat_ws(' ', platform_source, owner_back_median, owner_back_p95) from app_admin.platform_health order by platform_source",
      );
    t.deepEqual(await back(), ["mono", "mtn_momo"], "nobody has come back yet");
    await db.query(
      "update app_private.auth_episodes set recovered_at = detected_at + interval '3 hours', closed_by = 'sync'",
    );
    t.deepEqual(await back(), ["mono 03:00:00 03:00:00", "mtn_momo"]);
  }),
);

test(
  "institution_health tells the bank that fails from the one that does not, and how it fails",
  withDb(async (t, db) => {
    await setClock(db, noon);
    for (const institutionCode of ["044", "058"]) {
      // The fifth that fails opens the breaker.
      for (let n = 0; n < 5; n += 1) {
        const lease = await begin(db, await linkMono(db, { institutionCode }));
        await (institutionCode === "044" ? finish(db, lease) : fail(db, lease, "transient", { message: "HTTP 500" }));
      }
    }
    await count(db);
    await asAdmin(db);
    t.like(await rowOf(db, "select * from app_admin.institution_health where institution_code = '044'"), {
      verdict: "ok",
      accounts: 5,
      success_rate_1h: 1,
      main_failure_1h: null,
    });
    t.like(await rowOf(db, "select * from app_admin.institution_health where institution_code = '058'"), {
      verdict: "down",
      accounts: 5,
      failing: 5,
      success_rate_1h: 0,
      main_failure_1h: "transient",
    });
    t.like(await rowOf(db, "select * from app_admin.incidents"), {
      institution_code: "058",
      closed_at: null,
      failing_accounts: "5",
      last_error: "HTTP 500",
    });
  }),
);

test(
  "late_accounts says why each is late, and shows none that is not",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const named = new Map<string, Account>();
    for (const name of ["waits", "queued", "running", "suspended", "paused", "on time", "unlinked"]) {
      named.set(name, await linkMono(db, { accountName: name, institutionCode: "044" }));
    }
    const id = (name: string) => named.get(name)?.accountId ?? "";
    await emptyQueue(db);
    await setClock(db, "2026-03-10T11:00:00Z");
    await db.query("update app_private.sync_states set next_sync_at = '2026-03-10T10:00:00Z' where account_id = $1", [
      id("queued"),
    ]);
    await enqueueDueSyncs(db, "mono", 1);
    await setClock(db, "2026-03-10T11:05:00Z");
    await db.query("update app_private.sync_states set next_sync_at = '2026-03-10T11:00:00Z' where account_id <> $1", [
      id("queued"),
    ]);
    await begin(db, { accountId: id("running"), userId: "" });
    const lease = await begin(db, { accountId: id("suspended"), userId: "" });
    await db.query("select app_private.suspend_syncs($1)", [
      JSON.stringify([{ ...lease, until: "2026-03-10T11:04:00Z", state: {} }]),
    ]);
    await db.query("update app_public.accounts set paused_at = now() where id = $1", [id("paused")]);
    await db.query("update app_private.sync_states set next_sync_at = '2026-03-10T12:00:00Z' where account_id = $1", [
      id("on time"),
    ]);
    await db.query("update app_public.accounts set unlinked_at = now() where id = $1", [id("unlinked")]);
    const told = async () => {
      await asAdmin(db);
      const rows = await rowsOf(db, "select account_id, why from app_admin.late_accounts");
      await asOwner(db);
      const names = new Map([...named].map(([name, { accountId }]) => [accountId, name]));
      const reasons: Record<string, string> = {};
      for (const { account_id, why } of rows) reasons[names.get(String(account_id)) ?? "?"] = String(why);
      return reasons;
    };
    t.deepEqual(await told(), {
      waits: "not dispatched yet",
      queued: "in the queue",
      running: "running",
      suspended: "waiting for the provider",
      paused: "account paused",
    });
    await db.query(
      "insert into app_private.pauses (platform_source, institution_code, until, reason) values ('mono', '044', 'infinity', 'they asked')",
    );
    t.is((await told())["waits"], "institution paused: they asked");
    await db.query("update app_private.platforms set paused_until = 'infinity', paused_reason = 'maintenance'");
    t.is((await told())["waits"], "platform paused: maintenance");
  }),
);

test(
  "failing_accounts, upcoming and workers tell who fails, what comes, and who holds what",
  withDb(async (t, db) => {
    const accounts = await banks(db);
    await count(db);
    await beat(db, "worker-1", "mono", []);
    const held = await begin(db, accounts[0] ?? { accountId: "", userId: "" });
    await asAdmin(db);
    t.deepEqual(
      await rowsOf(
        db,
        `select institution_code, failures, last_failure_kind, error_message, platform_specific_error
         from app_admin.failing_accounts order by institution_code`,
      ),
      [
        {
          institution_code: "044",
          failures: 1,
          last_failure_kind: "transient",
          error_message: "It failed.",
          platform_specific_error: "E1",
        },
        {
          institution_code: "058",
          failures: 1,
          last_failure_kind: "auth_required",
          error_message: "It failed.",
          platform_specific_error: "E1",
        },
      ],
    );
    t.deepEqual(
      await rowsOf(db, "select sum(scheduled) as scheduled, sum(retries) as retries from app_admin.upcoming"),
      [{ scheduled: "3", retries: "2" }],
    );
    t.like(await rowOf(db, "select * from app_admin.workers"), { worker_id: "worker-1", alive: true, runs: "1" });
    t.is(held.epoch, 2);
  }),
);

test(
  "queue counts what is ready, running, waiting and dead, and quota what was used",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMomo(db);
    await db.query("select graphile_worker.add_job('momo_sync', '{}', run_at => now() + interval '1 hour')");
    await db.query("select graphile_worker.add_job('momo_sync', '{}', job_key => 'dead')");
    await db.query("update graphile_worker._private_jobs set attempts = max_attempts where key = 'dead'");
    await asAdmin(db);
    t.like(await rowOf(db, "select * from app_admin.queue where task = 'momo_sync'"), {
      ready: "1",
      running: "0",
      later: "1",
      dead: "1",
    });
    await asOwner(db);
    await finish(db, await begin(db, account, "worker-1", "mtn_momo"), { log: { ...emptyLog, requests: 30 } });
    await count(db);
    await asAdmin(db);
    const quota = await rowOf(db, "select * from app_admin.quota where platform_source = 'mtn_momo'");
    t.is(Number(quota.usable_per_second), 81);
    t.is(Number(quota.used_per_second), 0.033, "30 in a quarter of an hour");
    t.is(quota.requests_24h, "30");
    t.like(await rowOf(db, "select * from app_admin.quota where platform_source = 'mono'"), { last_429_at: null });
    await db.query("select app_admin.lift_quota('mtn_momo', 'no limit any more')");
    t.like(await rowOf(db, "select * from app_admin.quota where platform_source = 'mtn_momo'"), {
      limit_requests: null,
      allowed_per_second: null,
      usable_per_second: null,
      left_per_second: null,
      used_per_second: quota.used_per_second,
    });
  }),
);

test(
  "coverage_gaps shows days that should have been read, not those that are still to come",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [whole, holed, behind] = [await linkMono(db), await linkMono(db), await linkMono(db)];
    const settle = (account: Account, settled: string) =>
      db.query("update app_private.coverage set settled = $2 where account_id = $1", [account.accountId, settled]);
    await setClock(db, "2026-03-20T12:00:00Z");
    // History begins on 8 February; the overlap is four days, the interval one.
    await settle(whole, "{[2026-02-08,2026-03-16)}");
    await settle(holed, "{[2026-02-08,2026-03-01),[2026-03-03,2026-03-16)}");
    await settle(behind, "{[2026-02-08,2026-03-10)}");
    t.is((await count(db)).gaps_found, 2);
    await asAdmin(db);
    t.deepEqual(
      await rowsOf(
        db,
        "select account_id, from_day, to_day, missing_days from app_admin.coverage_gaps order by from_day",
      ),
      [
        { account_id: holed.accountId, from_day: "2026-03-01", to_day: "2026-03-02", missing_days: 2 },
        { account_id: behind.accountId, from_day: "2026-03-10", to_day: "2026-03-13", missing_days: 4 },
      ],
    );
    await asOwner(db);
    await settle(holed, "{[2026-02-08,2026-03-16)}");
    t.is((await count(db)).gaps_found, 1);
    t.deepEqual(await listOf(db, "select account_id from app_admin.coverage_gaps"), [behind.accountId]);
  }),
);
