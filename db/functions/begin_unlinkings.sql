-- Claims unlinkings that are due at one of these platforms, the longest due first, or those of one account. Whoever gets one
-- is to ask its provider and tell how it went; should that never be told, it is due again after the same delay as after a
-- failure. A platform without keys in the asking process is not named, and its unlinkings wait.
create or replace function app_private.begin_unlinkings(
  p_platforms app_public.platform_source[], p_account_id uuid default null, p_limit integer default 1
) returns table (id bigint, account_id uuid, platform_source app_public.platform_source, external_id text, now timestamptz)
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  with due as (
    select u.id
    from app_private.unlinkings u
    where u.state = 'open' and u.next_try_at <= app_private.clock() and u.platform_source = any (p_platforms)
      and (p_account_id is null or u.account_id = p_account_id)
    order by u.next_try_at, u.id
    limit p_limit
    for no key update skip locked
  )
  update app_private.unlinkings u
  set attempts = u.attempts + 1, last_tried_at = app_private.clock(),
    next_try_at = app_private.clock() + app_private.retry_delay(u.attempts + 1, u.account_id)
  from due
  where u.id = due.id
  returning u.id, u.account_id, u.platform_source, u.external_id, app_private.clock();
$$;
