-- An incident is closed: tells those who were told of it.
create or replace function app_private.tell_restored(p_incident_id bigint) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  insert into app_public.notifications (user_id, platform_source, kind, incident_id, params, created_at)
  select n.user_id, n.platform_source, 'provider_recovered', n.incident_id, n.params, app_private.clock()
  from app_public.notifications n
  where n.incident_id = p_incident_id and n.kind = 'provider_down'
  on conflict (incident_id, user_id, kind) where incident_id is not null do nothing;
$$;
