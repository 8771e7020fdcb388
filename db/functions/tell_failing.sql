-- Tells owners of accounts that have been failing for three of their intervals, once until a sync succeeds, and nobody whose
-- bank is down: they are told of that.
create or replace function app_private.tell_failing(p_account_ids uuid[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with failing as (
    select s.account_id, a.user_id, s.platform_source, s.last_failure_kind
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.platforms p on p.platform_source = s.platform_source
    left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = s.platform_source
    where s.account_id = any (p_account_ids) and s.failing_told_at is null and a.unlinked_at is null
      and s.failing_since <= app_private.clock()
        - 3 * app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)
      and not app_private.is_down(s.account_id)
  ),
  noted as (
    update app_private.sync_states s
    set failing_told_at = app_private.clock()
    from failing f
    where s.account_id = f.account_id
  )
  insert into app_public.notifications (user_id, account_id, platform_source, kind, params, created_at)
  select f.user_id, f.account_id, f.platform_source, 'sync_failing',
    jsonb_build_object('failureKind', f.last_failure_kind), app_private.clock()
  from failing f;
$$;
