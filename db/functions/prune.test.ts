import test from "ava";
import type { Client } from "pg";
import { prune } from "../queries/retention.ts";
import { listOf, rowsOf, valueOf } from "../testing/ask.ts";
import { withDb } from "../testing/database.ts";
import { refusalOf } from "../testing/refusal.ts";
import { asAdmin, asOwner, asWorker } from "../testing/roles.ts";
import { alice, begin, fail, finish, linkMono, setClock } from "../testing/world.ts";

const prunedOf = async (db: Client, limit = 100): Promise<Record<string, number>> => {
  await asWorker(db);
  const batch = await prune(db, limit);
  await asOwner(db);
  return Object.fromEntries(batch.filter(({ pruned }) => pruned > 0).map(({ subject, pruned }) => [subject, pruned]));
};

const operator = async (db: Client, sql: string): Promise<void> => {
  await asAdmin(db);
  await db.query(`select app_admin.${sql}`);
  await asOwner(db);
};

test(
  "runs of ninety days ago go in batches, oldest first; younger ones, open ones and those that nobody counted stay",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-01T12:00:00Z");
    const accounts = [await linkMono(db), await linkMono(db)];
    for (let n = 0; n < 5; n += 1) {
      const lease = await begin(db, accounts[0] ?? { accountId: "", userId: "" });
      await (n === 0 ? fail(db, lease, "auth_required") : finish(db, lease));
    }
    await begin(db, accounts[1] ?? { accountId: "", userId: "" });
    await setClock(db, "2026-05-30T11:59:59Z");
    const young = await begin(db, accounts[0] ?? { accountId: "", userId: "" });
    await finish(db, young);
    t.deepEqual(await prunedOf(db), {}, "not one is counted yet");
    await db.query("select app_admin.count_now()");
    t.deepEqual(
      await prunedOf(db),
      { run_rollups_5_minutes: 2, run_rollups_hours: 2 },
      "and then none is old enough, though their counts by the hour are",
    );
    await setClock(db, "2026-05-30T12:00:01Z");
    t.deepEqual(await prunedOf(db, 2), { sync_logs: 2 });
    t.like(await prunedOf(db, 2), { sync_logs: 2 });
    t.like(await prunedOf(db, 2), { sync_logs: 1 });
    t.false("sync_logs" in (await prunedOf(db)));
    t.deepEqual(await listOf(db, "select status from app_public.sync_logs order by id"), ["in_progress", "success"]);
    t.is(await valueOf(db, "select count(*) from app_private.auth_episodes where detected_by is null"), "1");
    t.is(await valueOf(db, "select sum(runs) from app_admin.run_history"), "6", "history outlives the log");
    t.like((await rowsOf(db, "select * from app_admin.retention where subject = 'sync_logs'"))[0], { pruned: "5" });
  }),
);

test(
  "webhooks, revisions, notifications and incidents go when their time has come, and not before",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-01T12:00:00Z");
    const { accountId } = await linkMono(db);
    const lease = await begin(db, { accountId, userId: alice });
    await db.query(
      `insert into app_private.webhooks (platform_source, dedupe_key, body_hmac, event, received_at)
       values ('mono', 'a', sha256(''), 'mono.x', '2026-03-01 12:00:00+00')`,
    );
    await db.query(
      `insert into app_public.transactions (account_id, user_id, source, provider_transaction_id, status, direction, amount, currency, occurred_at, occurred_on, run_id, first_seen_at)
       select $1, $2, 'mono', 't', 'posted', 'debit', 1, 'NGN', now(), now()::date, $3, now()`,
      [accountId, alice, lease.runId],
    );
    await db.query(
      `insert into app_public.transaction_revisions (transaction_id, revision, user_id, kind, replaced_at, replaced_by_run,
         provider_transaction_id, status, direction, amount, currency, occurred_at, occurred_on)
       select id, 1, user_id, 'changed', '2026-03-01 12:00:00+00', run_id, 't', status, direction, amount, currency, occurred_at, occurred_on
       from app_public.transactions`,
    );
    await db.query(
      "insert into app_public.notifications (user_id, account_id, platform_source, kind, created_at) values ($1, $2, 'mono', 'sync_failing', '2026-03-01 12:00:00+00')",
      [alice, accountId],
    );
    await db.query(
      `insert into app_private.incidents (platform_source, institution_code, opened_at, closed_at)
       values ('mono', '044', '2026-02-01 12:00:00+00', '2026-03-01 12:00:00+00'), ('mono', '058', '2026-02-01 12:00:00+00', null)`,
    );
    const when = async (moment: string) => {
      await setClock(db, moment);
      return prunedOf(db);
    };
    t.deepEqual(await when("2026-03-31T12:00:00Z"), {});
    t.deepEqual(await when("2026-03-31T12:00:01Z"), { webhooks: 1 });
    t.deepEqual(await when("2026-08-28T12:00:01Z"), { notifications: 1 });
    t.deepEqual(await when("2028-02-29T12:00:01Z"), { incidents: 1, transaction_revisions: 1 });
    t.is(await valueOf(db, "select count(*) from app_private.incidents"), "1", "an open one stays");
    t.is(await valueOf(db, "select count(*) from app_public.transactions"), "1");
  }),
);

test(
  "change_retention: sooner, later, never; less than the views need, or a kind that there is not, is refused",
  withDb(async (t, db) => {
    await setClock(db, "2026-03-01T12:00:00Z");
    const account = await linkMono(db);
    await finish(db, await begin(db, account));
    await db.query("select app_admin.count_now()");
    await setClock(db, "2027-03-01T12:00:00Z");
    await operator(db, "change_retention('sync_logs', null, 'an audit')");
    t.false("sync_logs" in (await prunedOf(db)));
    await operator(db, "change_retention('sync_logs', '0', 'zero is for ever as well')");
    t.false("sync_logs" in (await prunedOf(db)));
    for (const [call, code] of [
      ["change_retention('sync_logs', '1 hour', 'too little')", "SETNV"],
      ["change_retention('sync_logs', '-90 days', 'backwards')", "SETNV"],
      ["change_retention('transactions', '90 days', 'not ours to prune')", "NTFND"],
      ["change_retention('sync_logs', '60 days', '')", "OPSNR"],
    ] as const) {
      t.is((await refusalOf(db, () => operator(db, call))).code, code, call);
      await asOwner(db);
    }
    t.is(await valueOf(db, "select keep from app_admin.retention where subject = 'sync_logs'"), null);
    await operator(db, "change_retention('sync_logs', '60 days', 'the audit is over')");
    t.like(await prunedOf(db), { sync_logs: 1 });
  }),
);
