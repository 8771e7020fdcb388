-- Adds up runs that closed since the last call, at most p_limit of them and those that had been open before; answers how
-- many, and whether more wait.
--
-- Each run is counted exactly once, though ids become visible in another order than they were given: one statement, thus one
-- snapshot, counts what is closed, remembers in unfolded_runs whatever id below the new mark is open or shows no row, and
-- looks again at those remembered before. An id without a row for ten minutes was rolled back, or erased. Of a jump of the
-- sequence only the last stretch can still be on its way.
-- Counters in the transaction of the run were refused: 200 bytes of WAL a sync and one hot row an institution, or slots.
create or replace function app_private.fold_runs(p_limit integer default 10000)
returns table (folded integer, more boolean)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_through bigint;
begin
  select s.runs_through into v_through from app_private.statistics s for no key update skip locked;
  if not found then
    return query select 0, false;
    return;
  end if;

  return query
  with next as (
    select l.id from app_public.sync_logs l where l.id > v_through order by l.id limit p_limit
  ),
  mark as (
    select coalesce(max(n.id), v_through) as id, count(*) = p_limit as more from next n
  ),
  closed as (
    select l.id, l.account_id, l.platform_source, l.sync_completed_at, l.failure_kind, l.transactions_synced, l.requests,
      app_private.duration_bucket(l.sync_completed_at - l.sync_started_at) as duration_bucket
    from app_public.sync_logs l
    where l.id in (select n.id from next n union all select u.run_id from app_private.unfolded_runs u)
      and l.status <> 'in_progress'
  ),
  remembered as (
    insert into app_private.unfolded_runs (run_id)
    select w.id
    from (
      select n.id from next n
      union
      select generate_series(greatest(v_through + 1, m.id - 2 * p_limit), m.id) from mark m where m.id > v_through
    ) w
    where not exists (select from closed c where c.id = w.id)
  ),
  forgotten as (
    delete from app_private.unfolded_runs u
    where exists (select from closed c where c.id = u.run_id)
      or (u.since < clock_timestamp() - interval '10 minutes'
        and not exists (select from app_public.sync_logs l where l.id = u.run_id))
  ),
  counted as (
    insert into app_private.run_rollups as r
      (grain, starts_at, platform_source, institution_code, outcome, runs, transactions, requests)
    select g.grain, date_bin(g.grain, c.sync_completed_at, timestamptz '2000-01-01 00:00:00+00'), c.platform_source,
      coalesce(k.institution_code, ''), coalesce(c.failure_kind::text, 'success'),
      count(*), sum(c.transactions_synced), sum(c.requests)
    from closed c
    join app_private.links k on k.account_id = c.account_id
    cross join unnest(array[interval '5 minutes', '1 hour', '1 day']) as g (grain)
    group by 1, 2, 3, 4, 5
    on conflict (grain, starts_at, platform_source, institution_code, outcome) do update
    set runs = r.runs + excluded.runs, transactions = r.transactions + excluded.transactions,
      requests = r.requests + excluded.requests
  ),
  measured as (
    insert into app_private.run_durations as r (grain, starts_at, platform_source, duration_bucket, runs)
    select g.grain, date_bin(g.grain, c.sync_completed_at, timestamptz '2000-01-01 00:00:00+00'), c.platform_source,
      c.duration_bucket, count(*)
    from closed c
    cross join unnest(array[interval '5 minutes', '1 hour', '1 day']) as g (grain)
    where c.failure_kind is distinct from 'interrupted'
    group by 1, 2, 3, 4
    on conflict (grain, starts_at, platform_source, duration_bucket) do update set runs = r.runs + excluded.runs
  ),
  moved as (
    update app_private.statistics s
    set runs_through = m.id, runs_folded_at = clock_timestamp()
    from mark m
  )
  select (select count(*)::integer from closed), m.more from mark m;
end
$$;
