-- The windows that an account's source still misses: [history start, today] − settled, cut into pieces its provider
-- takes, oldest first. One subtraction gives incremental sync, overlap for late postings, resumable backfill, and the
-- healing of whatever gap an outage or an expired consent left.
--
-- Example (overlap 3, in save_transactions): history from 1 January, data as of 10 January → settled [1, 8). Outage
-- until the 20th → window 8 to 20 January: nothing is lost, whatever the outage's length.
create or replace function app_private.due_windows(
  p_history_start date, p_settled datemultirange, p_today date, p_window_days integer
) returns table (from_day date, to_day date)
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
-- Knowing the days it would be planned for each account, which takes four times as long as running it.
set plan_cache_mode = force_generic_plan
as $$
  select piece::date, least((piece + make_interval(days => p_window_days - 1))::date, upper(gap) - 1)
  from unnest(
      datemultirange(daterange(p_history_start, greatest(p_today, p_history_start), '[]')) - p_settled
    ) as gap,
    generate_series(lower(gap)::timestamp, (upper(gap) - 1)::timestamp, make_interval(days => p_window_days)) as piece
  order by 1;
$$;
