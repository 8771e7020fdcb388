-- Business time: machine time plus the offset that tests and simulators share (zero in production), or the moment at which
-- they stopped it. Everything that asks "is it due?", "which day is it?" or "how old is this?" asks here; heartbeats and
-- run_at do not.
create or replace function app_private.clock() returns timestamptz
language sql stable parallel safe security definer -- workers and services know the time, and read no table
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(stopped_at, now() + clock_offset) from app_private.clock_settings;
$$;
comment on function app_private.clock() is 'Business time.';
