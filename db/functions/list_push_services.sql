-- Where subscriptions may lead: a sender looks again before it calls one (push_service_of).
create or replace function app_private.list_push_services() returns table (host text, port integer, name text)
language sql stable security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select s.host, s.port, s.name from app_private.push_services s order by s.host, s.port;
$$;
