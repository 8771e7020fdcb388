-- The owner of an account went to renew it: remembered on its open episode, the first time only. Without one, nothing.
create or replace function app_private.record_tap(p_account_id uuid) returns void
language sql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
  update app_private.auth_episodes e
  set tapped_at = app_private.clock()
  where e.account_id = p_account_id and e.recovered_at is null and e.tapped_at is null;
$$;
