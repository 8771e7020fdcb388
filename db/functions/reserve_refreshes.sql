-- Counts real-time refreshes before they are asked for, with their price, and says which of these accounts may have one.
-- Scheduled syncs may use nine tenths of the day's cap; the rest is for people who wait. Where the platform charges
-- nothing, everybody may and nothing is counted.
create or replace function app_private.reserve_refreshes(p_platform app_public.platform_source, p_account_ids uuid[], p_first uuid[])
returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  p app_private.platforms;
  v_day date;
  v_used integer;
  v_allowed uuid[];
begin
  select * into p from app_private.platforms where platform_source = p_platform;
  if p.refresh_price is null or cardinality(p_account_ids) = 0 then
    return p_account_ids;
  end if;
  v_day := (app_private.clock() at time zone p.time_zone)::date;
  insert into app_private.refresh_usage as u (platform_source, day) values (p_platform, v_day)
  on conflict (platform_source, day) do update set refreshes = u.refreshes
  returning refreshes into v_used;

  if p.daily_refresh_cap is null then
    v_allowed := p_account_ids;
  else
    select coalesce(array_agg(id), '{}') into v_allowed
    from (
      select id, row_number() over (order by not id = any (p_first)) as nth, id = any (p_first) as first
      from unnest(p_account_ids) id
    ) asked
    where v_used + nth <= case when first then p.daily_refresh_cap else floor(p.daily_refresh_cap * 0.9) end;
  end if;
  update app_private.refresh_usage
  set refreshes = refreshes + cardinality(v_allowed), cost = cost + cardinality(v_allowed) * p.refresh_price
  where platform_source = p_platform and day = v_day and cardinality(v_allowed) > 0;
  return v_allowed;
end
$$;
