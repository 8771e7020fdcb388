-- Whether a time of the day lies in quiet hours, the beginning included and the end not; they may pass midnight.
create or replace function app_private.is_quiet(p_time time, p_from time, p_to time) returns boolean
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select case when p_from < p_to then p_time >= p_from and p_time < p_to else p_time >= p_from or p_time < p_to end;
$$;
