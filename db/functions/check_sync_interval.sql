-- Which intervals make sense: 15 minutes to 30 days, and whole days above one. Raises SETNV otherwise.
create or replace function app_private.check_sync_interval(p_interval interval) returns void
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_interval < interval '15 minutes' or p_interval > interval '30 days' then
    raise exception 'An interval lies between 15 minutes and 30 days.' using errcode = 'SETNV';
  end if;
  if p_interval > interval '1 day' and mod(extract(epoch from p_interval), 86400) <> 0 then
    raise exception 'An interval of more than a day is a whole number of days.' using errcode = 'SETNV';
  end if;
end
$$;
