-- Ends an outage by hand, without waiting for the next probe: its breaker closes, and those who waited for it are due again,
-- spread over a minute. If the bank is still down, five more failures open a new incident. Raises NTFND, OPSNP for one that
-- has ended, OPSNR.
create or replace function app_admin.close_incident(p_incident_id bigint, p_reason text) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  i app_private.incidents;
begin
  select * into i from app_private.incidents where id = p_incident_id;
  if i.id is null then
    raise exception 'There is no such incident.' using errcode = 'NTFND';
  end if;
  if i.closed_at is not null then
    raise exception 'The incident has ended already.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'close_incident', p_reason, jsonb_build_object('id', i.id, 'opened_at', i.opened_at),
    p_platform => i.platform_source, p_institution => i.institution_code);
  perform app_private.close_breaker(i.platform_source, i.institution_code);
  perform app_private.dispatch_soon(i.platform_source);
end
$$;
