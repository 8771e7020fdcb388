-- An institution, or a platform, is back: what its breaker counted is forgotten, its incident closes and whoever was
-- told of it is told of that, and the accounts that waited for it are due again, spread over a minute so that the one who
-- just came back is not run over.
create or replace function app_private.close_breaker(p_platform app_public.platform_source, p_institution text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_incident_id bigint;
begin
  update app_private.breakers b
  set failed_accounts = '{}', opened_at = null, next_probe_at = null, probes = 0
  where b.platform_source = p_platform and b.institution_code = p_institution;
  update app_private.incidents i
  set closed_at = v_now
  where i.platform_source = p_platform and i.institution_code = p_institution and i.closed_at is null
  returning i.id into v_incident_id;
  perform app_private.tell_restored(v_incident_id);
  with waiting as (
    select s.account_id
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform
      and (p_institution = '' or l.institution_code = p_institution)
      and s.last_failure_kind in ('transient', 'provider_down') and s.run_id is null
      and s.next_sync_at > v_now + interval '1 minute'
    -- A row that is locked is being closed by somebody who may wait for our breaker.
    for no key update of s skip locked
  )
  update app_private.sync_states s
  set next_sync_at = v_now + interval '1 minute' * app_private.stable_jitter(s.account_id::text)
  from waiting w
  where s.account_id = w.account_id;
end
$$;
