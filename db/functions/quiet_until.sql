-- When quiet hours that hold at p_at are over; null where p_at is not quiet. By the wall clock of p_time_zone: whatever its
-- clocks do, no moment is answered at which it reads a time between p_from and p_to. An end that a clock skips is late by
-- what was skipped, and one that comes twice is taken the second time.
create or replace function app_private.quiet_until(p_at timestamptz, p_from time, p_to time, p_time_zone text)
returns timestamptz
language sql stable strict
set search_path = pg_catalog, pg_temp
as $$
  select case when quiet.is_quiet then (
    select min(slot)
    from generate_series(-1, 2) as days (n),
      lateral (select ((p_at at time zone p_time_zone)::date + days.n + p_to) at time zone p_time_zone) as s (slot)
    where slot > p_at
      and not app_private.is_quiet((slot at time zone p_time_zone)::time, p_from, p_to)
  ) end
  from (select app_private.is_quiet((p_at at time zone p_time_zone)::time, p_from, p_to)) as quiet (is_quiet);
$$;
