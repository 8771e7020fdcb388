-- Counts every account anew: account_counts and upcoming_counts are replaced. Answers how many there are.
--
-- One pass over accounts, links and sync_states, grouped before anything is kept. An account whose last run succeeded is
-- stale when its next one is overdue; for one that fails, whose next_sync_at is a retry, the interval is asked for, which
-- costs a function call and would be too dear for all.
create or replace function app_private.count_accounts() returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
set work_mem = '64MB' -- three joins of every account, which in 4 MB go to disk
set enable_sort = off -- there are thousands of groups; the planner expects as many as accounts, and would sort them
as $$
declare
  v_now timestamptz := app_private.clock();
  v_quarter timestamptz := date_bin('15 minutes', v_now, timestamptz '2000-01-01 00:00:00+00');
  v_accounts integer;
  v_is_paused boolean := exists (select from app_private.pauses z where z.until > v_now);
begin
  delete from app_private.account_counts;
  delete from app_private.upcoming_counts;
  with judged as (
    select s.platform_source, coalesce(l.institution_code, '') as institution_code,
      a.paused_at is not null or v_is_paused and exists (
        select from app_private.pauses z
        where z.until > v_now
          and (z.user_id = a.user_id or (z.platform_source = a.platform_source and z.institution_code = l.institution_code))
      ) as paused,
      a.sync_status = 'auth_required' as needs_owner,
      s.failures > 0 as failing,
      s.next_sync_at <= v_now as late,
      s.run_id is not null and s.held_by is null as waiting,
      date_bin('15 minutes', greatest(s.next_sync_at, v_now), timestamptz '2000-01-01 00:00:00+00') as quarter,
      case
        when a.last_synced_at is null then a.linked_at
        when s.last_failure_kind is null then s.next_sync_at
        else a.last_synced_at + (
          select app_private.sync_interval(s.admin_interval, p.admin_interval, (
            select u.sync_interval from app_public.sync_settings u
            where u.user_id = a.user_id and u.platform_source = s.platform_source
          ), s.activity, p.default_interval)
          from app_private.platforms p
          where p.platform_source = s.platform_source
        )
      end + interval '15 minutes' < v_now as stale
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.links l on l.account_id = s.account_id
    where a.unlinked_at is null
  ),
  grouped as materialized (
    select j.platform_source, j.institution_code, j.paused, j.needs_owner, j.failing, j.late, j.stale,
      case when j.quarter <= v_quarter + interval '1 day' then j.quarter end as quarter,
      case when j.waiting then 'waiting' when j.failing then 'retry' else 'scheduled' end as kind,
      count(*)::integer as accounts
    from judged j
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  ),
  foreseen as (
    insert into app_private.upcoming_counts (platform_source, starts_at, kind, accounts)
    select g.platform_source, g.quarter, g.kind, sum(g.accounts)
    from grouped g
    where g.quarter is not null and not g.paused
    group by 1, 2, 3
  ),
  counted as (
    insert into app_private.account_counts
      (platform_source, institution_code, counted_at, accounts, paused, needs_owner, failing, late, stale)
    select g.platform_source, g.institution_code, v_now, sum(g.accounts),
      coalesce(sum(g.accounts) filter (where g.paused), 0),
      coalesce(sum(g.accounts) filter (where g.needs_owner), 0),
      coalesce(sum(g.accounts) filter (where g.failing), 0),
      coalesce(sum(g.accounts) filter (where g.late and not g.paused), 0),
      coalesce(sum(g.accounts) filter (where g.stale and not g.paused and not g.needs_owner), 0)
    from grouped g
    group by 1, 2
  )
  select coalesce(sum(g.accounts), 0) into v_accounts from grouped g;
  update app_private.statistics set accounts_counted_at = clock_timestamp();
  return v_accounts;
end
$$;
