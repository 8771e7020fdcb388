-- Moves business time, for tests and the soak. Only app_owner may: in production the offset stays zero.
create or replace function app_private.set_clock(p_now timestamptz) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
  update app_private.clock_settings set clock_offset = coalesce(p_now - now(), interval '0') returning now() + clock_offset;
$$;
comment on function app_private.set_clock(timestamptz) is 'Makes clock() answer p_now from here on; null brings back machine time.';
