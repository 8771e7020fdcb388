-- The key of identities and tombstones, sealed; no row before it was made.
create or replace function app_private.identity_key() returns table (key_id text, sealed bytea)
language sql stable security definer -- app_worker and app_service have no table grants
set search_path = pg_catalog, pg_temp
as $$
  select k.key_id, k.sealed from app_private.identity_keys k;
$$;
