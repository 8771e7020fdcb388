-- When an account that was just synced is due again. Pure: tests hold its table of examples.
--
-- Intervals of a day or more go by the wall clock of p_time_zone: one slot a day at p_preferred_hour plus the account's
-- own share (p_jitter) of p_window, added as real time, so that a day has one slot whatever its clocks do. The next
-- slot is the first one at least (interval - 18 hours) away: exactly one interval after a sync on its slot, and never
-- more than 6 hours late after a sync asked for in between (1.25 × a day, less for longer ones).
--
-- Shorter intervals go by a grid of UTC instants, shifted by the account's share of the whole interval: hours of the
-- day mean nothing to them, and wall clocks that jump would open gaps of two intervals. The next instant is at least a
-- quarter interval away, so at most 1.25 intervals.
create or replace function app_private.next_sync_time(
  p_after timestamptz,
  p_interval interval,
  p_preferred_hour integer,
  p_time_zone text,
  p_window interval,
  p_jitter double precision
) returns timestamptz
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case
    when p_interval < interval '1 day' then (
      select to_timestamp(
        ceil((extract(epoch from p_after) + step / 4 - p_jitter * step) / step) * step + p_jitter * step
      )
      from (select extract(epoch from p_interval)::double precision) as i (step)
    )
    else (
      select min(slot)
      -- In seconds: a day added to a timestamptz is as long as the session's own zone makes it.
      from (select p_after + make_interval(secs => extract(epoch from p_interval)::double precision - 64800)) as e (earliest),
        -- A jitter of up to a day and a zone of up to 14 hours: the slot we look for lies within two days of earliest.
        generate_series(-2, 2) as days (n),
        lateral (
          select ((earliest at time zone p_time_zone)::date + n + make_interval(hours => p_preferred_hour))
                   at time zone p_time_zone + p_jitter * p_window
        ) as s (slot)
      where slot >= earliest
    )
  end;
$$;
