-- Reminds owners who were told that an account needs them and have not come back since: once an episode, platforms.reminder_after
-- later, and not while their bank is down. At most p_limit; answers how many.
create or replace function app_private.remind_owners(p_limit integer default 1000) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_reminded integer;
begin
  with due as (
    select e.id, e.account_id
    from app_private.auth_episodes e
    where e.recovered_at is null and e.reminded_at is null and e.told_at is not null
      and greatest(e.told_at, e.reopened_at) <= v_now - (select min(p.reminder_after) from app_private.platforms p)
    for no key update skip locked
  ),
  reminded as (
    update app_private.auth_episodes e
    set reminded_at = v_now
    from (
      select d.id, a.user_id, a.id as account_id, a.platform_source
      from due d
      join app_private.auth_episodes o on o.id = d.id
      join app_public.accounts a on a.id = d.account_id
      join app_private.platforms p on p.platform_source = a.platform_source
      where greatest(o.told_at, o.reopened_at) <= v_now - p.reminder_after and not app_private.is_down(d.account_id)
      order by d.id
      limit p_limit
    ) as r
    where e.id = r.id
    returning e.id, r.user_id, r.account_id, r.platform_source
  ),
  told as (
    insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, created_at)
    select r.user_id, r.account_id, r.platform_source, 'reauth_reminder', r.id, v_now
    from reminded r
    on conflict (episode_id, kind) where episode_id is not null do nothing
    returning id
  )
  select count(*)::integer into v_reminded from told;
  return v_reminded;
end
$$;
comment on function app_private.remind_owners(integer) is 'Reminds owners who are still waited for, once an episode, and answers how many.';
