-- Episodes of these accounts are over, because a sync succeeded (p_by: sync) or the link was ended (unlinked). Owners who were
-- told, and asked to be told of this as well, read how many transactions came in meanwhile. That is not the default: "one
-- notification an episode" is a promise, and whoever just renewed a consent stands before the page that shows the result.
create or replace function app_private.close_episodes(p_account_ids uuid[], p_by text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_closed bigint[];
begin
  with closed as (
    update app_private.auth_episodes e
    set recovered_at = app_private.clock(), closed_by = p_by
    where e.account_id = any (p_account_ids) and e.recovered_at is null
    returning e.id
  )
  select array_agg(c.id) into v_closed from closed c;
  if v_closed is null or p_by <> 'sync' then
    return;
  end if;
  insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, params, created_at)
  select a.user_id, a.id, a.platform_source, 'recovered', e.id,
    jsonb_build_object('newTransactions', (
      select coalesce(sum(l.new_count), 0)
      from app_public.sync_logs l
      where l.account_id = a.id and l.user_id = a.user_id and l.sync_started_at >= e.detected_at
    )),
    app_private.clock()
  from app_private.auth_episodes e
  join app_public.accounts a on a.id = e.account_id
  cross join lateral app_private.notification_choice(a.user_id) c
  where e.id = any (v_closed) and e.told_at is not null and c.tell_recovery
  on conflict (episode_id, kind) where episode_id is not null do nothing;
end
$$;
