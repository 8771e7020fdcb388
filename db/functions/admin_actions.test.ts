import test from "ava";
import type { Client } from "pg";
import { drawQuota } from "../queries/quota.ts";
import { rescheduleAccounts } from "../queries/reschedulings.ts";
import { listOf, rowOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asAdmin, asOwner, asService, asUser, asWorker } from "../testing/roles.ts";
import {
  alice,
  begin,
  complete,
  emptyQueue,
  fail,
  finish,
  incoming,
  jobs,
  linkMomo,
  linkMono,
  noon,
  page,
  save,
  setClock,
  stateRow,
  tryBegin,
} from "../testing/world.ts";

/** As the operator; answers the one value. */
async function operator(db: Client, sql: string, values: unknown[] = []): Promise<unknown> {
  await asAdmin(db);
  const answer = await valueOf(db, `select ${sql}`, values);
  await asOwner(db);
  return answer;
}

const lastAction = (db: Client) =>
  rowOf(db, "select action, reason, before, after from app_private.admin_actions order by id desc limit 1");

test(
  "every function of app_admin that changes anything asks why, writes down who and when, and is the operator's only",
  withDb(async (t, db) => {
    const functions = await rowsOf(
      db,
      `select p.oid::regprocedure::text as name, p.proargnames as arguments, p.prosrc as body
       from pg_proc p where p.pronamespace = 'app_admin'::regnamespace order by 1`,
    );
    t.true(functions.length > 18);
    for (const { name, arguments: names, body } of functions) {
      // Counts only, as a task does every minute.
      if (name === "app_admin.count_now()") continue;
      t.true(Array.isArray(names) && names.includes("p_reason"), String(name));
      t.regex(String(body), /note_admin_action\(\s*'[a-z_]+', p_reason/, String(name));
    }
    await operator(db, "app_admin.pause_platform('mono', '  maintenance ')");
    const [action] = await rowsOf(
      db,
      "select done_by, reason, done_at > now() - interval '1 minute' as now from app_admin.admin_actions",
    );
    t.deepEqual(action, { done_by: "tidemark_migrator", reason: "maintenance", now: true });
    for (const become of [asWorker, asService, (to: Client) => asUser(to, alice)]) {
      const refusal = await refusalOf(db, async () => {
        await become(db);
        await db.query("select app_admin.resume_platform('mono', 'not mine to say')");
      });
      t.is(refusal.code, "42501");
      await asOwner(db);
    }
    await operator(db, "app_admin.resume_platform('mono', 'the control')");
  }),
);

test(
  "change_quota: holds from the next slot on, forgets what 429s taught, says what it was; lift_quota: no limit of ours",
  withDb(async (t, db) => {
    await db.query(
      "update app_private.quotas set learned = 0.1, refused_at = clock_timestamp(), blocked_until = clock_timestamp() + interval '1 minute'",
    );
    t.is((await drawQuota(db, "mono", 10, true)).granted, 0);
    await operator(db, "app_admin.change_quota('mono', 'Mono raised it', 1000)");
    t.is((await drawQuota(db, "mono", 10, true)).granted, 10);
    t.deepEqual(await lastAction(db), {
      action: "change_quota",
      reason: "Mono raised it",
      before: { requests: 20, per: "00:00:01", reserve: 0.2 },
      after: { requests: 1000, per: "00:00:01", reserve: 0.2 },
    });
    await operator(db, "app_admin.change_quota('mono', 'fewer a minute', 30, '1 minute', 0)");
    t.like(await rowOf(db, "select requests, per, reserve from app_private.quotas where platform_source = 'mono'"), {
      requests: 30,
      per: "00:01:00",
      reserve: "0",
    });
    await operator(db, "app_admin.lift_quota('mono', 'a load test of theirs')");
    t.is((await drawQuota(db, "mono", 5000, true)).granted, 1_000_000);
    const undone = await refusalOf(db, () => operator(db, "app_admin.change_quota('mono', 'back', p_reserve => 0.5)"));
    t.is(undone.code, "OPSNP");
    await asOwner(db);
    await operator(db, "app_admin.change_quota('mono', 'back', 20)");
    t.is(Number(await valueOf(db, "select limit_requests from app_admin.quota where platform_source = 'mono'")), 20);
  }),
);

test(
  "change_sync_window: accounts move into it with the next batch, a user's own hour stays; undone by the same call",
  withDb(async (t, db) => {
    await setClock(db, noon);
    await db.query("update app_private.platforms set default_interval = '1 day', admin_interval = '1 day'");
    const [account, own] = [await linkMono(db), await linkMono(db, { userId: "b0b00000-0000-4000-8000-000000000002" })];
    await db.query(
      "insert into app_public.sync_settings (user_id, platform_source, preferred_hour, time_zone) values ($1, 'mono', 12, 'UTC')",
      [own.userId],
    );
    await finish(db, await begin(db, account));
    await finish(db, await begin(db, own));
    const hours = async () =>
      Promise.all(
        [account, own].map(async (one) =>
          Number(
            await valueOf(
              db,
              "select extract(hour from next_sync_at at time zone 'utc') from app_private.sync_states where account_id = $1",
              [one.accountId],
            ),
          ),
        ),
      );
    const [before] = await hours();
    t.true((before ?? -1) >= 1 && (before ?? -1) < 5, "two to six in Lagos");
    t.is(await operator(db, "app_admin.change_sync_window('mono', 'they asked for evenings', 20, '1 hour')"), 2);
    t.like(await rescheduleAccounts(db, "mono", 10), { outcome: "done", rescheduled: 2 });
    t.deepEqual(await hours(), [19, 12]);
    t.is(await operator(db, "app_admin.change_sync_window('mono', 'back', 2, '4 hours')"), 2);
    t.like(await rescheduleAccounts(db, "mono", 10), { outcome: "done", rescheduled: 2 });
    t.deepEqual(await hours(), [before, 12]);
  }),
);

test(
  "change_refresh_cap: counts from the next run on, and null lifts it",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const [first, second] = [await linkMono(db), await linkMono(db)];
    await operator(db, "app_admin.change_refresh_cap('mono', 0, 'the bill')");
    t.false((await begin(db, first)).mayRefresh);
    await operator(db, "app_admin.change_refresh_cap('mono', null, 'the bill is paid')");
    t.true((await begin(db, second)).mayRefresh);
  }),
);

test(
  "retry_account: past cooldown and backoff, and what stands in the way is told",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    await fail(db, await begin(db, account), "transient");
    await emptyQueue(db);
    const outcome = () =>
      operator(db, "(app_admin.retry_account($1, 'the bank is back')).outcome", [account.accountId]);
    t.is(await outcome(), "queued");
    t.like((await jobs(db))[0], { task: "mono_sync", payload: { accountId: account.accountId, trigger: "manual" } });
    t.is((await tryBegin(db, account)).outcome, "begun");
    t.is(await outcome(), "already_running");
    await db.query("update app_public.accounts set paused_at = now()");
    t.is(await outcome(), "paused");
  }),
);

test(
  "retry_failing: those who wait out a failure are due, of one institution where one is named; nobody else is touched",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = [];
    for (const institutionCode of ["044", "058"]) accounts.push(await linkMono(db, { institutionCode }));
    const healthy = await linkMono(db, { institutionCode: "058" });
    for (const account of accounts) await fail(db, await begin(db, account), "invalid_response");
    await finish(db, await begin(db, healthy));
    const next = (await stateRow(db, healthy)).next_sync_at;
    t.is(await operator(db, "app_admin.retry_failing('mono', 'they mended it', '058')"), 1);
    t.is(await operator(db, "app_admin.retry_failing('mono', 'they all did')"), 1, "the other one is due already");
    for (const account of accounts)
      t.is(new Date(String((await stateRow(db, account)).next_sync_at)).toISOString(), noon);
    t.is((await stateRow(db, healthy)).next_sync_at, next);
  }),
);

test(
  "backfill_account: the days are read again and found the same, earlier ones are read as well, and nothing is doubled",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const rows = [incoming("t1", "2026-03-02"), incoming("t2", "2026-03-05")];
    const lease = await begin(db, account);
    await save(db, page(lease, rows, { ...complete(rows), from: "2026-02-08", to: "2026-03-10" }));
    await finish(db, lease);
    const settled = () =>
      valueOf(db, "select settled from app_private.coverage where account_id = $1", [account.accountId]);
    t.is(await settled(), "{[2026-02-08,2026-03-07)}");
    t.is(
      await operator(db, "app_admin.backfill_account($1, '2026-03-04', 'a row is missing')", [account.accountId]),
      7,
    );
    t.is(await settled(), "{[2026-02-08,2026-03-04)}");
    const again = await begin(db, account);
    t.deepEqual(again.windows, [{ source: "mono", from: "2026-03-04", to: "2026-03-10" }]);
    const late = [incoming("t2", "2026-03-05"), incoming("t3", "2026-03-06")];
    t.like(await save(db, page(again, late, { ...complete(late), from: "2026-03-04", to: "2026-03-10" })), {
      new_count: 1,
      changed_count: 0,
      removed_count: 0,
    });
    await finish(db, again);
    await operator(db, "app_admin.backfill_account($1, '2026-01-01', 'they want January')", [account.accountId]);
    t.is((await begin(db, account)).windows[0]?.from, "2026-01-01");
    t.is(await valueOf(db, "select count(*) from app_public.transactions"), "3");
  }),
);

test(
  "close_incident: the breaker closes, who waited is due, and another outage is another incident",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const accounts = [];
    for (let n = 0; n < 5; n += 1) accounts.push(await linkMono(db, { institutionCode: "058" }));
    const waiting = await linkMono(db, { institutionCode: "058" });
    for (const account of accounts) await fail(db, await begin(db, account), "transient");
    t.is((await tryBegin(db, waiting)).outcome, "provider_down");
    const id = await valueOf(db, "select id from app_admin.incidents where closed_at is null");
    await operator(db, "app_admin.close_incident($1, 'they called')", [id]);
    t.is((await tryBegin(db, waiting)).outcome, "begun");
    t.deepEqual(
      await listOf(
        db,
        "select next_sync_at < '2026-03-10 12:01:01+00' from app_private.sync_states where failures > 0",
      ),
      Array<string>(5).fill("true"),
    );
    t.is((await refusalOf(db, () => operator(db, "app_admin.close_incident($1, 'again')", [id]))).code, "OPSNP");
    await asOwner(db);
    for (const account of accounts) await fail(db, await begin(db, account), "transient");
    t.is(await valueOf(db, "select count(*) from app_admin.incidents"), "2");
  }),
);

test(
  "erase_user: answers the receipt, and who it was is not kept",
  withDb(async (t, db) => {
    const account = await linkMono(db);
    const receipt = await operator(db, `app_admin.erase_user('${alice}', 'a letter of hers')`);
    t.is(await valueOf(db, "select count(*) from app_private.erasures where id = $1", [receipt]), "1");
    t.is((await tryBegin(db, account)).outcome, "unlinked");
    t.false(JSON.stringify(await rowsOf(db, "select * from app_private.admin_actions")).includes(alice));
  }),
);

const nobody = "99999999-9999-4999-8999-999999999999";

test(
  "nonsense is refused with a sentence and a code, and nothing is changed or written down",
  withDb(async (t, db) => {
    await setClock(db, noon);
    const account = await linkMono(db);
    const wallet = await linkMomo(db);
    const gone = await linkMono(db);
    await db.query("update app_public.accounts set unlinked_at = now() where id = $1", [gone.accountId]);
    for (const [sql, code] of [
      ["change_quota('mono', 'too few', 2)", "SETNV"],
      ["change_quota('mono', 'too many', 1000001)", "SETNV"],
      ["change_quota('mono', 'too long', 20, '2 days')", "SETNV"],
      ["change_quota('mono', 'nothing left', 20, '1 s', 0.95)", "SETNV"],
      ["change_quota('mono', '', 20)", "OPSNR"],
      ["lift_quota('mono', null)", "OPSNR"],
      ["change_refresh_cap('mono', -1, 'negative')", "SETNV"],
      ["change_refresh_cap('mtn_momo', 10, 'free')", "OPSNP"],
      ["change_sync_window('mono', 'no such hour', 24)", "SETNV"],
      ["change_sync_window('mono', 'too short', p_window => '1 minute')", "SETNV"],
      ["change_sync_window('mono', 'nowhere', p_time_zone => 'Atlantis')", "SETNV"],
      ["change_sync_window('mono', 'nothing to change')", "SETNV"],
      ["change_quota('mono', 'nothing to change')", "SETNV"],
      ["change_retention('sync_logs', '100000000 years', 'longer than time')", "SETNV"],
      ["change_retention('sync_logs', '-1 day', 'before it happens')", "SETNV"],
      ["pause_platform(null, 'a variable that is not set')", "NTFND"],
      ["resume_platform(null, 'a variable that is not set')", "NTFND"],
      ["pause_institution(null, '044', 'a variable that is not set')", "NTFND"],
      ["pause_institution('mono', null, 'a variable that is not set')", "NTFND"],
      ["pause_institution('mono', '', 'a variable that is empty')", "NTFND"],
      ["resume_institution(null, '044', 'a variable that is not set')", "NTFND"],
      ["override_platform_interval(null, '6 hours', 'a variable that is not set')", "NTFND"],
      ["change_quota(null, 'a variable that is not set', 20)", "NTFND"],
      ["lift_quota(null, 'a variable that is not set')", "NTFND"],
      ["change_refresh_cap(null, 10, 'a variable that is not set')", "NTFND"],
      ["change_sync_window(null, 'a variable that is not set', 3)", "NTFND"],
      ["retry_failing(null, 'a variable that is not set')", "NTFND"],
      ["retry_failing('mono', 'a slip of the pen', '0444')", "NTFND"],
      [`retry_account('${nobody}', 'nobody')`, "NTFND"],
      [`retry_account('${gone.accountId}', 'unlinked')`, "OPSNP"],
      ["retry_failing('mono', 'x')", "OPSNR"],
      [`backfill_account('${account.accountId}', '2026-03-11', 'tomorrow')`, "SETNV"],
      [`backfill_account('${account.accountId}', '2006-03-11', 'twenty years')`, "SETNV"],
      [`backfill_account('${account.accountId}', null, 'no day')`, "SETNV"],
      [`backfill_account('${wallet.accountId}', '2026-03-01', 'a wallet lists nothing')`, "OPSNP"],
      ["close_incident(4711, 'no such incident')", "NTFND"],
      [`erase_user('${nobody}', 'nobody')`, "NTFND"],
      [`erase_user('${alice}', '')`, "OPSNR"],
      [`override_account_interval('${account.accountId}', '1 hour', '')`, "OPSNR"],
    ] as const) {
      const refusal = await refusalOf(db, () => operator(db, `app_admin.${sql}`));
      await asOwner(db);
      t.is(refusal.code, code, sql);
      t.regex(refusal.message, /^[A-Z].*\.$/, sql);
      t.notRegex(refusal.message, /<NULL>|institution \./, sql);
    }
    t.is(await valueOf(db, "select count(*) from app_private.admin_actions"), "0");
    t.is(await valueOf(db, "select count(*) from app_private.erasures"), "0");
    t.is((await tryBegin(db, account)).outcome, "begun", "the control");
  }),
);
