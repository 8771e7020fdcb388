-- Ranges of days as pairs of a first and a last day.
create or replace function app_private.day_spans(p_days datemultirange) returns app_public.day_span[]
language sql immutable strict parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select array_agg((lower(r), upper(r) - 1)::app_public.day_span order by r) from unnest(p_days) as r;
$$;
