-- Credentials that are not sealed with the current key, in a stable order: rotation resumes by asking again.
create or replace function app_private.list_credentials_to_reseal(p_key_id text, p_limit integer default 500)
returns table (account_id uuid, kind text, key_id text, sealed bytea)
language sql stable security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select c.account_id, c.kind, c.key_id, c.sealed
  from app_private.credentials c
  where c.key_id <> p_key_id
  order by c.account_id, c.kind
  limit p_limit;
$$;
