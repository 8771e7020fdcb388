-- Moves business time, for tests and the soak; with p_stopped it stands still there. Null brings back machine time. Only
-- app_owner may: in production the offset stays zero.
create or replace function app_private.set_clock(p_now timestamptz, p_stopped boolean default false) returns timestamptz
language sql
set search_path = pg_catalog, pg_temp
as $$
  update app_private.clock_settings
  set clock_offset = coalesce(p_now - now(), interval '0'),
    stopped_at = case when p_stopped then p_now end
  returning coalesce(stopped_at, now() + clock_offset);
$$;
comment on function app_private.set_clock(timestamptz, boolean) is 'Makes clock() answer p_now from here on.';
