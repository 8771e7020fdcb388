-- What /readyz asks: when each platform's dispatcher last ticked. Machine time.
create or replace function app_private.readiness()
returns table (platform_source app_public.platform_source, last_dispatch_at timestamptz, seconds_ago double precision)
language sql stable security definer -- app_authenticator has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select p.platform_source, p.last_dispatch_at, extract(epoch from clock_timestamp() - p.last_dispatch_at)::double precision
  from app_private.platforms p
  order by p.platform_source;
$$;
