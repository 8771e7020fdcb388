-- The migrations that were applied, oldest first: /readyz compares them with those that the running code knows.
create or replace function app_private.applied_migrations() returns table (name text)
language sql stable security definer -- app_authenticator has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select m.name::text from app_private.migrations m order by m.id;
$$;
