-- Tells the breakers of failures that may be an institution's or a platform's and not an account's. p_failures:
-- [{"accountId", "kind"}]. Called by record_sync_failures, in its transaction.
--
-- An institution opens when 5 different accounts failed there without a success in between (transient or
-- provider_down); a platform when 10 did with provider_down, which means that nobody answered or a gateway spoke for it.
-- One incident is recorded, however many accounts follow, and
-- told to each of their owners once. While open, one account at a time probes: after 1 minute,
-- then 2, 4, … at most 30.
create or replace function app_private.trip_breakers(p_failures json) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
begin
  with failed as (
    select f."accountId" as account_id, s.platform_source, scope.institution_code,
      case scope.institution_code when '' then 10 else 5 end as threshold
    from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind)
    join app_private.sync_states s on s.account_id = f."accountId"
    join app_private.links l on l.account_id = f."accountId"
    cross join lateral (
      select l.institution_code where l.institution_code is not null and f.kind in ('transient', 'provider_down')
      union all
      select '' where f.kind = 'provider_down'
    ) scope
  ),
  grouped as (
    select platform_source, institution_code, threshold, array_agg(account_id) as accounts
    from failed
    group by platform_source, institution_code, threshold
    order by platform_source, institution_code
  )
  insert into app_private.breakers as b (platform_source, institution_code, failed_accounts)
  select platform_source, institution_code, accounts[1:threshold] from grouped
  on conflict (platform_source, institution_code) do update
  set failed_accounts = (
      select (array_agg(distinct id))[1:10] from unnest(b.failed_accounts || excluded.failed_accounts) id
    ),
    probes = case when b.opened_at is null then 0 else b.probes + 1 end,
    next_probe_at = case when b.opened_at is not null then
      v_now + least(interval '30 minutes', interval '1 minute' * 2 ^ least(b.probes + 1, 5)) end;

  with opened as (
    update app_private.breakers b
    set opened_at = v_now, next_probe_at = v_now + interval '1 minute'
    where b.opened_at is null
      and cardinality(b.failed_accounts) >= case b.institution_code when '' then 10 else 5 end
    returning b.platform_source, b.institution_code
  )
  insert into app_private.incidents (platform_source, institution_code, opened_at)
  select o.platform_source, o.institution_code, v_now from opened o
  on conflict (platform_source, institution_code) where closed_at is null do nothing;

  -- Those who failed now, and those who failed before it was known why.
  perform app_private.tell_outage(array(
    select f."accountId" from json_to_recordset(p_failures) as f ("accountId" uuid)
    union
    select unnest(b.failed_accounts) from app_private.breakers b where b.opened_at = v_now
  ));
end
$$;
