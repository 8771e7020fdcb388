-- Accounts were answered for: what their breakers counted is forgotten, and an open one is closed. Called by finish_syncs. Writes nothing where nobody had failed, which is nearly always.
create or replace function app_private.reset_breakers(p_account_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
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
    perform app_private.close_breaker(v_closed.platform_source, v_closed.institution_code);
  end loop;
end
$$;
