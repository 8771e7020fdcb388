-- When one account is due next after p_after, from everybody's choices. The single place where frequency is decided;
-- the arithmetic is next_sync_time(), the precedence sync_interval(). p_activity: what was just counted and is not stored yet.
create or replace function app_private.schedule(p_account_id uuid, p_after timestamptz, p_activity smallint default null)
returns timestamptz
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select app_private.next_sync_time(
    p_after,
    app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, coalesce(p_activity, s.activity), p.default_interval),
    coalesce(u.preferred_hour, p.preferred_hour),
    coalesce(u.time_zone, p.time_zone),
    -- Somebody who named an hour gets that hour; the spread is for those who did not care.
    case when u.preferred_hour is null then p.sync_window else least(p.sync_window, interval '1 hour') end,
    app_private.stable_jitter(l.login_key)
  )
  from app_private.sync_states s
  join app_public.accounts a on a.id = s.account_id
  join app_private.links l on l.account_id = s.account_id
  join app_private.platforms p on p.platform_source = s.platform_source
  left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = s.platform_source
  where s.account_id = p_account_id;
$$;
