-- What /metrics tells of the whole installation: a row a value, {label: value}. Names and labels are the catalogue's in
-- tasks/@metrics/gauge_catalogue.ts. Labels are platforms, tasks, runners, states: never an id, never a person.
--
-- Every process that is scraped asks this at most once in ten seconds. Task names that are not ours are one label, `other`:
-- whoever may add jobs could otherwise make as many series as they like.
create or replace function app_private.read_gauges()
returns table (gauge text, labels json, value double precision)
language sql stable security definer -- app_worker and app_authenticator have no table grants
set search_path = pg_catalog, pg_temp
as $$
  with now as materialized (
    select app_private.clock() as at, clock_timestamp() as machine
  ),
  account as (
    select a.platform_source, a.sync_status::text, count(*) as accounts,
      -- Neither paused nor waiting for its owner: the rest is what syncs could keep fresh.
      count(*) filter (where a.paused_at is null and a.sync_status <> 'auth_required') as syncable,
      count(*) filter (
        where a.paused_at is null and a.sync_status <> 'auth_required'
          -- The next slot is at most 1.25 intervals away (next_sync_time), and a run needs its turn within the sync window.
          and coalesce(a.last_synced_at, a.linked_at) > now.at - p.sync_window - 1.25 *
            app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)
      ) as fresh
    from app_public.accounts a
    cross join now
    join app_private.sync_states s on s.account_id = a.id
    join app_private.platforms p on p.platform_source = a.platform_source
    left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = a.platform_source
    where a.unlinked_at is null
    group by 1, 2
  ),
  platform as (
    select p.*, w.ended_at,
      extract(epoch from p.sync_window)::double precision as window_seconds
    from app_private.platforms p
    cross join now
    cross join lateral (
      select max(e.at) as ended_at
      from generate_series(-2, 0) d (n),
        lateral (
          select ((now.at at time zone p.time_zone)::date + d.n + make_interval(hours => p.preferred_hour))
            at time zone p.time_zone + p.sync_window
        ) e (at)
      where e.at <= now.at
    ) w
  ),
  due as (
    select s.platform_source, count(*) as accounts, min(s.next_sync_at) as oldest,
      count(*) filter (where s.next_sync_at <= p.ended_at) as unfinished
    from app_private.sync_states s
    cross join now
    join platform p on p.platform_source = s.platform_source
    join app_public.accounts a on a.id = s.account_id
    where s.next_sync_at <= now.at and s.run_id is null and a.unlinked_at is null and a.paused_at is null
    group by 1
  ),
  coming as (
    select s.platform_source, count(*) as accounts
    from app_private.sync_states s
    cross join now
    where s.next_sync_at <= now.at + interval '1 day'
    group by 1
  ),
  quota as (
    select q.platform_source, q.blocked_until,
      greatest(3, q.requests * g.learned) / extract(epoch from q.per)::double precision as per_second, g.learned
    from app_private.quotas q
    cross join now
    cross join lateral (
      select least(1, q.learned + coalesce(extract(epoch from now.machine - q.refused_at) / 60 * 0.05, 1))::double precision
        as learned
    ) g
  ),
  -- What a run costs, of the latest ones.
  cost as (
    select l.platform_source, avg(l.requests)::double precision as requests
    from (
      select l.platform_source, l.requests from app_public.sync_logs l where l.status = 'success' order by l.id desc limit 500
    ) l
    group by 1
  ),
  job as (
    select case when t.identifier = any (array[
        'mono_sync', 'momo_sync', 'enqueue_due_syncs', 'process_webhooks', 'unlink_account', 'clean_up'
      ]) then t.identifier else 'other' end as task,
      case when j.locked_at is not null then 'running'
        when j.attempts >= j.max_attempts then 'dead'
        when j.run_at <= now.machine then 'ready'
        else 'scheduled' end as state,
      now.machine - j.run_at as waited
    from graphile_worker._private_jobs j
    join graphile_worker._private_tasks t on t.id = j.task_id
    cross join now
  ),
  breaker as (
    select b.platform_source, b.institution_code,
      row_number() over (partition by b.platform_source order by b.opened_at, b.institution_code) as nth
    from app_private.breakers b
    where b.opened_at is not null and b.institution_code <> ''
  )
  select 'accounts', json_build_object('platform', platform_source, 'sync_status', sync_status), accounts from account
  union all
  select 'accounts_fresh_ratio', json_build_object('platform', p.platform_source),
    coalesce((select sum(a.fresh) / nullif(sum(a.syncable), 0) from account a where a.platform_source = p.platform_source), 1)
  from platform p
  union all
  select g.name, json_build_object('platform', p.platform_source), g.value
  from platform p
  cross join now
  left join due d on d.platform_source = p.platform_source
  left join coming c on c.platform_source = p.platform_source
  left join quota q on q.platform_source = p.platform_source
  left join cost on cost.platform_source = p.platform_source
  left join app_private.refresh_usage r
    on r.platform_source = p.platform_source and r.day = (now.at at time zone p.time_zone)::date
  cross join lateral (values
    ('accounts_due', coalesce(d.accounts, 0)::double precision),
    ('oldest_due_seconds', coalesce(extract(epoch from now.at - d.oldest), 0)::double precision),
    ('sync_window_unfinished_accounts', coalesce(d.unfinished, 0)),
    ('sync_window_load_ratio',
      coalesce(c.accounts * greatest(1, coalesce(cost.requests, 1)) / nullif(q.per_second * p.window_seconds, 0), 0)),
    ('dispatcher_last_tick_timestamp_seconds', extract(epoch from p.last_dispatch_at)),
    ('quota_requests_per_second', q.per_second),
    ('quota_learned_ratio', q.learned),
    ('quota_blocked_seconds', greatest(0, coalesce(extract(epoch from q.blocked_until - now.machine), 0))),
    ('refreshes_today', coalesce(r.refreshes, 0)),
    ('refresh_cap', p.daily_refresh_cap),
    ('refresh_cost_today', coalesce(r.cost, 0)),
    ('open_auth_episodes', (
      select count(*)
      from app_private.auth_episodes e
      join app_public.accounts a on a.id = e.account_id
      where e.recovered_at is null and a.platform_source = p.platform_source and a.unlinked_at is null
    )),
    ('waiting_webhooks', (
      select count(*) from app_private.webhooks w where w.processed_at is null and w.platform_source = p.platform_source
    )),
    ('oldest_waiting_webhook_seconds', (
      select coalesce(extract(epoch from now.at - min(w.received_at)), 0)
      from app_private.webhooks w where w.processed_at is null and w.platform_source = p.platform_source
    )),
    ('open_unlinkings', (
      select count(*) from app_private.unlinkings u where u.state = 'open' and u.platform_source = p.platform_source
    ))
  ) as g (name, value)
  where g.value is not null
  union all
  select 'platform_paused', json_build_object('platform', p.platform_source, 'reason', r.reason),
    coalesce(p.paused_until > now.at and (r.reason = 'configuration') = (coalesce(p.paused_reason, '') like 'configuration:%'), false)::integer
  from platform p
  cross join now
  cross join (values ('configuration'), ('operator')) as r (reason)
  union all
  select 'open_runs', json_build_object('platform', p.platform_source, 'state', st.state),
    (
      select count(*)
      from app_public.sync_logs l
      join app_private.sync_states s on s.account_id = l.account_id
      where l.status = 'in_progress' and l.platform_source = p.platform_source
        and (s.held_by is not null) = (st.state = 'running')
    )
  from platform p
  cross join (values ('running'), ('waiting')) as st (state)
  union all
  select 'queue_jobs', json_build_object('task', task, 'state', state), count(*) from job group by task, state
  union all
  select 'queue_lag_seconds', json_build_object('task', task),
    coalesce(max(extract(epoch from waited)) filter (where state = 'ready'), 0)
  from job group by task
  union all
  select 'workers', json_build_object('runner', runner), count(*)
  from app_private.workers group by runner
  union all
  select 'worker_oldest_beat_seconds', json_build_object('runner', runner), extract(epoch from (select machine from now) - min(beat_at))
  from app_private.workers group by runner
  union all
  select 'open_breakers', json_build_object('platform', p.platform_source, 'scope', sc.scope),
    (
      select count(*) from app_private.breakers b
      where b.platform_source = p.platform_source and b.opened_at is not null
        and (b.institution_code = '') = (sc.scope = 'platform')
    )
  from platform p
  cross join (values ('institution'), ('platform')) as sc (scope)
  union all
  select 'institution_down',
    json_build_object('platform', platform_source, 'institution', case when nth <= 20 then institution_code else 'others' end), 1
  from breaker
  group by platform_source, case when nth <= 20 then institution_code else 'others' end;
$$;
