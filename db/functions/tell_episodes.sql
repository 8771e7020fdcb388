-- Tells owners that their accounts need them, once an episode, and nobody whose bank is down: that is no moment to renew a
-- consent, and the refusal may be a part of the outage. Whoever is passed over is told by the next sync that finds it so.
create or replace function app_private.tell_episodes(p_account_ids uuid[]) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  with untold as (
    select e.id, e.account_id, a.user_id, a.platform_source
    from app_private.auth_episodes e
    join app_public.accounts a on a.id = e.account_id
    where e.account_id = any (p_account_ids) and e.recovered_at is null and e.told_at is null and a.unlinked_at is null
      and not app_private.is_down(e.account_id)
  ),
  told as (
    insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, created_at)
    select u.user_id, u.account_id, u.platform_source, 'reauth_required', u.id, app_private.clock()
    from untold u
    on conflict (episode_id, kind) where episode_id is not null do nothing
  )
  update app_private.auth_episodes e
  set told_at = app_private.clock()
  from untold u
  where e.id = u.id;
$$;
