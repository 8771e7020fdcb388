-- An account was linked or unlinked, or its sync_status changed.
create or replace function app_private.tg_accounts__mirror_tags() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.mark_tags_stale(new.user_id);
  return null;
end
$$;
