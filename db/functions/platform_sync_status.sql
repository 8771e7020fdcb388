-- How one's own accounts of each platform are doing. Rates and durations are those of the last 30 days; a run that was
-- interrupted says nothing about a platform and counts in neither.
create or replace function app_public.platform_sync_status() returns setof app_public.platform_status
language sql stable security definer -- visitors see no machinery
rows 2 cost 1000
set search_path = pg_catalog, pg_temp
as $$
  select p.platform_source, p.label, 'Last synced via ' || p.label,
    coalesce(a.accounts, 0), coalesce(a.active, 0), coalesce(a.auth_required, 0), coalesce(a.error, 0), coalesce(a.running, 0),
    a.last_synced_at, a.last_sync_attempt, a.next_sync_at, r.success_rate, r.median_duration,
    case when p.paused_until > now.at then nullif(p.paused_until, 'infinity') end,
    (
      select b.next_probe_at from app_private.breakers b
      where b.platform_source = p.platform_source and b.institution_code = '' and b.opened_at is not null
    )
  from app_private.platforms p
  cross join lateral (select app_private.clock(), app_public.current_user_id()) as now (at, user_id)
  left join lateral (
    select count(*)::integer as accounts,
      count(*) filter (where a.sync_status = 'active')::integer as active,
      count(*) filter (where a.sync_status = 'auth_required')::integer as auth_required,
      count(*) filter (where a.sync_status = 'error')::integer as error,
      count(*) filter (where s.run_id is not null)::integer as running,
      max(a.last_synced_at) as last_synced_at,
      max(greatest(a.last_sync_attempt, o.sync_started_at)) as last_sync_attempt,
      min(s.next_sync_at) filter (where s.run_id is null and a.paused_at is null) as next_sync_at
    from app_public.accounts a
    join app_private.sync_states s on s.account_id = a.id
    left join app_public.sync_logs o on o.id = s.run_id
    where a.user_id = now.user_id and a.platform_source = p.platform_source and a.unlinked_at is null
  ) a on true
  left join lateral (
    select count(*) filter (where l.status = 'success')::double precision / nullif(count(*), 0) as success_rate,
      extract(epoch from percentile_cont(0.5) within group (order by l.sync_completed_at - l.sync_started_at))::double precision
        as median_duration
    from app_public.accounts a
    join app_public.sync_logs l on l.account_id = a.id and l.user_id = a.user_id
    where a.user_id = now.user_id and a.platform_source = p.platform_source
      and l.sync_started_at > now.at - interval '30 days' and l.status <> 'in_progress'
      and l.failure_kind is distinct from 'interrupted'
  ) r on true
  where now.user_id is not null
  order by p.platform_source;
$$;
comment on function app_public.platform_sync_status() is 'How your accounts are doing, platform by platform.';
