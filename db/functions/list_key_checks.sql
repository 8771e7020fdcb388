-- The sealed canaries, one a key: a process opens those of the keys it was given before it opens anything else.
create or replace function app_private.list_key_checks() returns table (key_id text, sealed bytea)
language sql stable security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select k.key_id, k.sealed from app_private.key_checks k order by k.key_id;
$$;
