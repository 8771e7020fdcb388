-- What /metrics tells of the whole installation: a row a value, {label: value}. Names and labels are the catalogue's in
-- tasks/@metrics/gauge_catalogue.ts. Labels are platforms, tasks, runners, states: never an id, never a person. The
-- numbers are those of app_admin's views, so that an alert and the view that explains it cannot disagree.
--
-- Every process that is scraped asks this at most once in ten seconds.
create or replace function app_private.read_gauges()
returns table (gauge text, labels json, value double precision)
language sql stable security definer -- app_worker and app_authenticator have no table grants
set search_path = pg_catalog, pg_temp
as $$
  with now as materialized (
    select app_private.clock() as at, clock_timestamp() as machine
  ),
  platform as materialized (
    select p.platform_source, p.last_dispatch_at, p.paused_reason, p.paused_until > now.at as is_paused, h.accounts, h.paused,
      h.needs_owner, h.failing, h.late, h.stale, h.freshness, h.waiting_for_dispatch
    from app_private.platforms p
    cross join now
    join app_admin.platform_health h on h.platform_source = p.platform_source
  ),
  -- As tasks/@worker/runners.ts names them.
  runner as (
    select p.platform_source::text as name from platform p
    union all
    select c::text from unnest(enum_range(null::app_public.notification_channel)) as c where c <> 'in_app'
    union all
    select 'general'
  ),
  down as (
    select i.platform_source, case when i.nth <= 20 then i.institution_code else 'others' end as institution
    from (
      select i.platform_source, i.institution_code,
        row_number() over (partition by i.platform_source order by i.opened_at, i.institution_code) as nth
      from app_admin.incidents i
      where i.closed_at is null and i.institution_code <> ''
    ) i
    group by 1, 2
  )
  select g.name, json_build_object('platform', p.platform_source), g.value
  from platform p
  join app_admin.sync_windows w on w.platform_source = p.platform_source
  join app_admin.quota q on q.platform_source = p.platform_source
  cross join now
  cross join lateral (
    select count(*) as waiting, min(i.received_at) as oldest
    from app_private.webhooks i
    where i.processed_at is null and i.platform_source = p.platform_source
  ) i
  cross join lateral (values
    ('accounts', coalesce(p.accounts, 0)::double precision),
    ('accounts_fresh_ratio', coalesce(p.freshness, 1)),
    ('dispatch_lag_seconds', coalesce(extract(epoch from p.waiting_for_dispatch), 0)),
    ('dispatcher_last_tick_timestamp_seconds', extract(epoch from p.last_dispatch_at)),
    ('sync_window_at_risk', w.at_risk::integer),
    ('sync_window_load_ratio', w.accounts_due::double precision / nullif(w.window_capacity, 0)),
    ('quota_requests_per_second', q.usable_per_second),
    ('quota_learned_ratio', q.learned),
    ('quota_blocked_seconds', coalesce(extract(epoch from q.blocked_until - now.machine), 0)),
    ('refreshes_today', coalesce(q.refreshes_today, 0)),
    ('refresh_cap', q.daily_refresh_cap),
    ('refresh_cost_today', coalesce(q.cost_today, 0)),
    ('open_auth_episodes', (
      select count(*)
      from app_private.auth_episodes e
      join app_public.accounts a on a.id = e.account_id
      where e.recovered_at is null and a.platform_source = p.platform_source and a.unlinked_at is null
    )),
    ('waiting_webhooks', i.waiting),
    ('oldest_waiting_webhook_seconds', coalesce(extract(epoch from now.at - i.oldest), 0)),
    ('open_unlinkings', (
      select count(*) from app_private.unlinkings u where u.state = 'open' and u.platform_source = p.platform_source
    ))
  ) as g (name, value)
  where g.value is not null
  union all
  select 'accounts_with_problem', json_build_object('platform', p.platform_source, 'problem', g.problem), coalesce(g.value, 0)
  from platform p
  cross join lateral (values
    ('paused', p.paused), ('needs_owner', p.needs_owner), ('failing', p.failing), ('late', p.late), ('stale', p.stale)
  ) as g (problem, value)
  union all
  select 'platform_paused', json_build_object('platform', p.platform_source, 'reason', r.reason),
    (coalesce(p.is_paused, false)
      and (r.reason = 'configuration') = (coalesce(p.paused_reason, '') like 'configuration:%'))::integer
  from platform p
  cross join (values ('configuration'), ('operator')) as r (reason)
  union all
  select 'open_runs', json_build_object('platform', p.platform_source, 'state', st.state),
    count(s.account_id) filter (where (s.held_by is not null) = (st.state = 'running'))
  from platform p
  cross join (values ('running'), ('waiting')) as st (state)
  left join app_public.sync_logs l on l.status = 'in_progress' and l.platform_source = p.platform_source
  left join app_private.sync_states s on s.account_id = l.account_id and s.run_id = l.id
  group by p.platform_source, st.state
  union all
  select 'queue_jobs', json_build_object('task', q.task, 'state', g.state), g.jobs
  from app_admin.queue q
  cross join lateral (values ('ready', q.ready), ('running', q.running), ('scheduled', q.later), ('dead', q.dead)) as g (state, jobs)
  union all
  select 'queue_lag_seconds', json_build_object('task', q.task), coalesce(extract(epoch from q.oldest_ready), 0)
  from app_admin.queue q
  union all
  select 'workers', json_build_object('runner', r.name), count(w.worker_id) filter (where w.alive)
  from runner r
  left join app_admin.workers w on w.runner = r.name
  group by r.name
  union all
  select 'worker_oldest_beat_seconds', json_build_object('runner', w.runner), extract(epoch from max(w.beat_ago))
  from app_admin.workers w
  where w.runner in (select r.name from runner r)
  group by w.runner
  union all
  select 'open_incidents', json_build_object('platform', p.platform_source, 'scope', sc.scope),
    count(i.id) filter (where (i.institution_code = '') = (sc.scope = 'platform'))
  from platform p
  cross join (values ('institution'), ('platform')) as sc (scope)
  left join app_admin.incidents i on i.platform_source = p.platform_source and i.closed_at is null
  group by p.platform_source, sc.scope
  union all
  select 'institution_down', json_build_object('platform', d.platform_source, 'institution', d.institution), 1
  from down d
  union all
  select 'statistics_age_seconds', json_build_object(), extract(epoch from now.machine - s.accounts_counted_at)
  from app_private.statistics s
  cross join now
  where s.accounts_counted_at is not null;
$$;
