-- What OneSignal knows of a user's accounts is no longer the latest.
create or replace function app_private.mark_tags_stale(p_user_id uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into app_private.tag_mirrors as m (user_id, next_attempt_at)
  values (p_user_id, app_private.clock())
  on conflict (user_id) do update
  set version = m.version + 1, next_attempt_at = app_private.clock(), attempts = 0;
$$;
