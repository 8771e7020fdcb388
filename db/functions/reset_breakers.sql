-- Accounts were answered for: what their breakers counted is forgotten, an open one closes with its incident, and the
-- accounts that waited for it are due again, spread over a minute so that the one who just came back is not run over.
-- Called by finish_syncs. Writes nothing where nobody had failed, which is nearly always.
create or replace function app_private.reset_breakers(p_account_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_closed record;
begin
  for v_closed in
    with touched as (
      select distinct b.platform_source, b.institution_code
      from app_private.sync_states s
      join app_private.links l on l.account_id = s.account_id
      join app_private.breakers b on b.platform_source = s.platform_source
        and b.institution_code in (l.institution_code, '') and b.failed_accounts <> '{}'
      where s.account_id = any (p_account_ids)
    ),
    locked as (
      select b.platform_source, b.institution_code, b.opened_at
      from app_private.breakers b
      join touched using (platform_source, institution_code)
      order by b.platform_source, b.institution_code
      for update of b
    )
    update app_private.breakers b
    set failed_accounts = '{}', opened_at = null, next_probe_at = null, probes = 0
    from locked
    where b.platform_source = locked.platform_source and b.institution_code = locked.institution_code
    returning b.platform_source, b.institution_code, locked.opened_at
  loop
    continue when v_closed.opened_at is null;
    update app_private.incidents i
    set closed_at = v_now
    where i.platform_source = v_closed.platform_source and i.institution_code = v_closed.institution_code
      and i.closed_at is null;
    with waiting as (
      select s.account_id
      from app_private.sync_states s
      join app_private.links l on l.account_id = s.account_id
      where s.platform_source = v_closed.platform_source
        and (v_closed.institution_code = '' or l.institution_code = v_closed.institution_code)
        and s.last_failure_kind in ('transient', 'provider_down') and s.run_id is null
        and s.next_sync_at > v_now + interval '1 minute'
      -- A row that is locked is being closed by somebody who may wait for our breaker.
      for no key update of s skip locked
    )
    update app_private.sync_states s
    set next_sync_at = v_now + interval '1 minute' * app_private.stable_jitter(s.account_id::text)
    from waiting w
    where s.account_id = w.account_id;
  end loop;
end
$$;
