-- A narration as the fingerprint reads it: providers change case and spacing when they re-issue a row.
create or replace function app_private.normal_narration(p_narration text) returns text
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select lower(regexp_replace(btrim(coalesce(p_narration, '')), '\s+', ' ', 'g'));
$$;
