import type { Pool, PoolClient } from "pg";

/**
 * Fills an empty, migrated database with accounts and the logs of their last ten days, set by set and not through the verbs:
 * a million accounts and ten million runs in minutes. What it writes is what the verbs would have left behind: four in five
 * accounts at 30 banks (a few of which hold most of them), the others wallets; two in a hundred fail, one in a hundred waits for
 * its owner, one in a thousand is paused, one in fifty is late; some runs are open, some jobs wait, some webhooks are unread.
 *
 * @param owner a pool of app_owner
 */
export async function fillDatabase(
  owner: Pool,
  size: { accounts: number; logs: number },
  told: (line: string) => void = () => undefined,
): Promise<void> {
  const client = await owner.connect();
  try {
    // Who may, leaves out foreign keys' checks and triggers: that is half of the time.
    const { rows } = await client.query<{ super: boolean }>(
      "select rolsuper as super from pg_roles where rolname = session_user",
    );
    if (rows[0]?.super === true) await client.query("set role none; set session_replication_role = replica");
    for (const [what, statement] of STATEMENTS) {
      const started = performance.now();
      await run(client, statement, size);
      told(`${what}: ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  } finally {
    // Its settings go with it.
    client.release(true);
  }
}

async function run(client: PoolClient, statement: string, { accounts, logs }: { accounts: number; logs: number }) {
  await client.query(statement.replaceAll(":accounts", String(accounts)).replaceAll(":logs", String(logs)));
}

/** The nth account, its user (two accounts each), its bank; by number, so that each table tells the same. */
const ACCOUNT = "md5('account ' || n)::uuid";
const PLATFORM = "(case when n % 5 = 0 then 'mtn_momo' else 'mono' end)::app_public.platform_source";
/** 30 banks; the square of an even spread leaves the first ones most accounts. */
const BANK = "case when n % 5 <> 0 then to_char(floor(30 * ((n * 7919::bigint % 1000) / 1000.0) ^ 2) + 1, 'FM000') end";
const NEEDS_OWNER = "n % 100 = 7";
const FAILS = "n % 50 = 7";
const LATE = "n % 50 = 11";
/** Now and then, from a number: the same for every run. */
const spread = (of: string, by: number) => `((${of} * ${by}::bigint) % 100003 / 100003.0)`;

const STATEMENTS: readonly (readonly [string, string])[] = [
  [
    "triggers off",
    "alter table app_public.accounts disable trigger user; alter table app_public.sync_logs disable trigger user",
  ],
  [
    "accounts",
    `insert into app_public.accounts (id, user_id, account_name, account_type, platform_source, currency, balance, mono_account_id,
       mtn_reference_id, institution, sync_status, last_synced_at, last_sync_attempt, data_as_of, coverage_through, linked_at, paused_at)
     select ${ACCOUNT}, md5('user ' || n / 2)::uuid, 'Account ' || n,
       (case when n % 5 = 0 then 'mobile_money' else 'bank' end)::app_public.account_type, ${PLATFORM}, 'NGN', n,
       case when n % 5 <> 0 then md5('mono ' || n) end, case when n % 5 = 0 then md5('momo ' || n) end, 'Bank',
       (case when ${NEEDS_OWNER} then 'auth_required' else 'active' end)::app_public.sync_status,
       now() - interval '1 day' * ${spread("n", 31)}, now() - interval '1 day' * ${spread("n", 31)}, now(), now()::date - 5,
       now() - interval '400 days', case when n % 1000 = 17 then now() end
     from generate_series(1, :accounts) n`,
  ],
  [
    "links",
    `insert into app_private.links (account_id, time_zone, login_key, institution_code)
     select ${ACCOUNT}, 'Africa/Lagos', n::text, ${BANK} from generate_series(1, :accounts) n`,
  ],
  [
    "states",
    `insert into app_private.sync_states (account_id, platform_source, next_sync_at, failures, last_failure_kind, activity, enqueued_until)
     select ${ACCOUNT}, ${PLATFORM},
       now() + case when ${LATE} then -interval '1 hour' else interval '1 day' end * ${spread("n", 17)},
       case when ${FAILS} then 1 + n % 5 else 0 end,
       (case when ${NEEDS_OWNER} then 'auth_required' when ${FAILS} then 'transient' end)::app_public.failure_kind, n % 13,
       case when n % 1000 = 17 then timestamptz 'infinity' end
     from generate_series(1, :accounts) n`,
  ],
  [
    "coverage",
    `insert into app_private.coverage (account_id, source, history_start, settled)
     select ${ACCOUNT}, 'mono', now()::date - 365,
       case when n % 500 = 1
         then datemultirange(daterange(now()::date - 365, now()::date - 40), daterange(now()::date - 35, now()::date - 4))
         else datemultirange(daterange(now()::date - 365, now()::date - 4)) end
     from generate_series(1, :accounts) n where n % 5 <> 0`,
  ],
  [
    "sync_logs",
    `insert into app_public.sync_logs (account_id, user_id, platform_source, status, sync_started_at, sync_completed_at,
       transactions_synced, pages, seen_count, new_count, unchanged_count, windows, requests, failure_kind, error_message, next_sync_at)
     select ${ACCOUNT}, md5('user ' || n / 2)::uuid, ${PLATFORM},
       (case when i % 33 = 0 then 'failed' else 'success' end)::app_public.sync_log_status, t,
       t + interval '1 second' * (0.2 + 10 * ${spread("i", 13)} ^ 4), i % 4, 1, 20, i % 4, 20 - i % 4,
       '[{"source": "mono", "from": "2026-01-08", "to": "2026-01-20", "pages": 1, "complete": true}]', 2,
       (case when i % 33 = 0 then (array['transient', 'provider_down', 'rate_limited', 'interrupted'])[1 + i % 4] end)::app_public.failure_kind,
       case when i % 33 = 0 then 'It failed.' end, t + interval '1 day'
     from generate_series(1, :logs) i
     cross join lateral (values (1 + i * 7919::bigint % :accounts, now() - interval '10 days' * (1 - i / :logs::double precision) - interval '11 seconds')) v (n, t)`,
  ],
  [
    "open runs",
    `with opened as (
       insert into app_public.sync_logs (account_id, user_id, platform_source, sync_started_at)
       select ${ACCOUNT}, md5('user ' || n / 2)::uuid, ${PLATFORM}, now() from generate_series(1, :accounts, :accounts / 100) n
       returning id, account_id
     )
     update app_private.sync_states s
     set run_id = o.id, held_by = 'worker-' || o.id % 8, enqueued_until = 'infinity', epoch = 1, next_sync_at = now() - interval '2 seconds'
     from opened o where s.account_id = o.account_id`,
  ],
  [
    "workers",
    "insert into app_private.workers (worker_id, runner) select 'worker-' || n, 'mono' from generate_series(0, 7) n",
  ],
  [
    "queue",
    `with claimed as (
       update app_private.sync_states s set enqueued_until = now() + interval '10 minutes'
       where s.account_id in (
         select ${ACCOUNT} from generate_series(1, :accounts) n where ${LATE} and n % 4 = 3
       ) and s.run_id is null
       returning account_id, platform_source
     ),
     jobs as (
       select array_agg((case platform_source when 'mono' then 'mono_sync' else 'momo_sync' end,
         json_build_object('accountId', account_id), null, now(), 3, 'sync:' || account_id, 0, null)::graphile_worker.job_spec) as specs
       from claimed
     )
     select count(*) from jobs, graphile_worker.add_jobs(specs)`,
  ],
  [
    "webhooks",
    `insert into app_private.webhooks (platform_source, dedupe_key, body_hmac, event, received_at, outcome, processed_at)
     select 'mono', 'event ' || n, sha256(''), 'mono.events.account_updated', now() - interval '30 days' * (1 - n / (:accounts / 5)::double precision),
       case when n % 1000 = 0 then null else 'queued' end, now()
     from generate_series(1, :accounts / 5) n`,
  ],
  [
    "incidents",
    `insert into app_private.incidents (platform_source, institution_code, opened_at, closed_at)
     select 'mono', to_char(1 + n % 30, 'FM000'), now() - n * interval '3 hours', now() - n * interval '3 hours' + interval '20 minutes'
     from generate_series(1, 500) n;
     insert into app_private.breakers (platform_source, institution_code, failed_accounts, opened_at, next_probe_at, probes)
     select 'mono', '001', array(select ${ACCOUNT} from generate_series(8, 108, 10) n), now(), now(), 3;
     insert into app_private.incidents (platform_source, institution_code, opened_at) values ('mono', '001', now())`,
  ],
  [
    "episodes",
    `insert into app_private.auth_episodes (account_id, detected_at)
     select ${ACCOUNT}, now() - interval '1 day' * ${spread("n", 7)} from generate_series(1, :accounts) n where ${NEEDS_OWNER}`,
  ],
  [
    "triggers on",
    "alter table app_public.accounts enable trigger user; alter table app_public.sync_logs enable trigger user",
  ],
  [
    "vacuum",
    "vacuum (analyze) app_public.accounts, app_private.links, app_private.sync_states, app_private.coverage, app_public.sync_logs, app_private.webhooks, app_private.auth_episodes",
  ],
];
