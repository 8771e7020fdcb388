-- Finds the accounts that lack days which should have been read by now, and keeps them in coverage_gaps, at most 1,000.
-- Answers how many. A day should have been read once it is older than the source's overlap and the account's interval; an
-- account linked within the last day is still being filled.
create or replace function app_private.find_coverage_gaps() returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_found integer;
begin
  with candidates as (
    select c.account_id, c.source, c.settled, c.history_start, so.overlap_days
    from app_private.coverage c
    join app_private.sources so on so.source = c.source and so.has_windows
    -- Two days more than the overlap: the commonest interval, and what is under way.
    where not c.settled @> daterange(c.history_start, greatest((v_now at time zone 'utc')::date - so.overlap_days - 2, c.history_start))
  ),
  expected as (
    select c.account_id, c.source,
      datemultirange(daterange(c.history_start, greatest(c.history_start, (v_now at time zone l.time_zone)::date - c.overlap_days - 1
        - ceil(extract(epoch from app_private.sync_interval(
            s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)) / 86400)::integer
      ))) - c.settled as missing
    from candidates c
    join app_public.accounts a on a.id = c.account_id
    join app_private.links l on l.account_id = c.account_id
    join app_private.sync_states s on s.account_id = c.account_id
    join app_private.platforms p on p.platform_source = a.platform_source
    left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = a.platform_source
    where a.unlinked_at is null and a.linked_at < v_now - interval '1 day'
  ),
  found as (
    select e.account_id, e.source, lower(e.missing) as from_day, upper(e.missing) - 1 as to_day, (
        select sum(upper(r) - lower(r))::integer from unnest(e.missing) r
      ) as missing_days
    from expected e
    where not isempty(e.missing)
    limit 1000
  ),
  closed as (
    delete from app_private.coverage_gaps g
    where not exists (select from found f where f.account_id = g.account_id and f.source = g.source)
  ),
  kept as (
    insert into app_private.coverage_gaps as g (account_id, source, from_day, to_day, missing_days)
    select f.account_id, f.source, f.from_day, f.to_day, f.missing_days from found f
    on conflict (account_id, source) do update
    set from_day = excluded.from_day, to_day = excluded.to_day, missing_days = excluded.missing_days
    where (g.from_day, g.to_day, g.missing_days) is distinct from (excluded.from_day, excluded.to_day, excluded.missing_days)
  )
  select count(*) into v_found from found;
  update app_private.statistics set gaps_found_at = clock_timestamp();
  return v_found;
end
$$;
