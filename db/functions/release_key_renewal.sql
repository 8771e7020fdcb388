-- Nothing came of it: another worker may try.
create or replace function app_private.release_key_renewal(p_holder uuid) returns void
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  update app_private.links set key_renewal = null, key_renewal_until = null where key_renewal = p_holder;
$$;
