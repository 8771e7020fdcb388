-- A number in [0, 1) that is always the same for the same key: spreads accounts without storing where each one went,
-- and without moving them from one day to the next.
create or replace function app_private.stable_jitter(p_key text) returns double precision
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select (hashtextextended(p_key, 20260101) & 1048575)::double precision / 1048576;
$$;
