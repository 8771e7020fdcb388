-- Which of these accounts must wait because their institution, or their whole platform, is down. One account an open
-- breaker passes when its probe is due, somebody's Sync now before others; that claims the probe for two minutes, after
-- which another may try. Called by begin_syncs; writes only where a probe is claimed.
create or replace function app_private.pass_breakers(p_account_ids uuid[], p_first uuid[])
returns table (account_id uuid, until timestamptz)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_probes uuid[];
begin
  if not exists (select from app_private.breakers b where b.opened_at is not null) then
    return;
  end if;

  with facing as (
    select s.account_id, b.platform_source, b.institution_code, b.next_probe_at
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where s.account_id = any (p_account_ids)
  ),
  -- An account that faces two breakers probes both or none.
  candidates as (
    select f.account_id from facing f group by f.account_id having max(f.next_probe_at) <= v_now
  ),
  chosen as (
    select distinct on (f.platform_source, f.institution_code) f.platform_source, f.institution_code, f.account_id
    from facing f
    join candidates c on c.account_id = f.account_id
    order by f.platform_source, f.institution_code, not f.account_id = any (p_first), f.account_id
  ),
  claimed as (
    update app_private.breakers b
    set next_probe_at = v_now + interval '2 minutes'
    from chosen c
    where b.platform_source = c.platform_source and b.institution_code = c.institution_code and b.next_probe_at <= v_now
    returning c.account_id
  )
  select coalesce(array_agg(account_id), '{}') into v_probes from claimed;

  return query
    select s.account_id, max(b.next_probe_at)
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where s.account_id = any (p_account_ids) and s.account_id <> all (v_probes)
    group by s.account_id;
end
$$;
