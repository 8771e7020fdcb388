-- How much of each provider's quota is used and left, and what did it cost?
create or replace view app_admin.quota with (security_barrier) as
select
  q.platform_source,
  q.requests as limit_requests,
  q.per as limit_per,
  q.reserve,
  round(app_private.quota_learned(q), 3) as learned,
  -- Three decimals are for reading: numeric would show sixteen.
  round(q.requests * app_private.quota_learned(q) / extract(epoch from q.per), 3) as allowed_per_second,
  round(c.slots * c.permits / extract(epoch from q.per), 3) as usable_per_second,
  round(r.used_per_second, 3) as used_per_second,
  round(c.slots * c.permits / extract(epoch from q.per) - r.used_per_second, 3) as left_per_second,
  r.requests_24h,
  q.refused_at as last_429_at,
  case when q.blocked_until > clock_timestamp() then q.blocked_until end as blocked_until,
  u.refreshes as refreshes_today,
  p.daily_refresh_cap,
  p.daily_refresh_cap - coalesce(u.refreshes, 0) as refreshes_left_today,
  u.cost as cost_today,
  m.cost as cost_30d
from app_private.quotas q
join app_private.platforms p on p.platform_source = q.platform_source
cross join (select app_private.clock()) as now (at)
-- Without a limit there are no slots (greatest() would pass over the null).
left join lateral app_private.quota_slots(greatest(3, q.requests * app_private.quota_learned(q))) c on q.requests is not null
left join app_private.refresh_usage u on u.platform_source = q.platform_source and u.day = (now.at at time zone p.time_zone)::date
left join lateral (
  select sum(m.cost) as cost
  from app_private.refresh_usage m
  where m.platform_source = q.platform_source and m.day > (now.at at time zone p.time_zone)::date - 30
) m on true
left join lateral (
  select
    coalesce(sum(r.requests) filter (where r.grain = interval '1 hour'), 0) as requests_24h,
    -- As window_forecast() has it.
    coalesce(sum(r.requests) filter (where r.grain = interval '5 minutes'), 0)
      / extract(epoch from now.at - date_bin('5 minutes', now.at, timestamptz '2000-01-01 00:00:00+00') + interval '15 minutes')
      as used_per_second
  from app_private.run_rollups r
  where r.platform_source = q.platform_source
    and ((r.grain = interval '1 hour' and r.starts_at > now.at - interval '1 day')
      or (r.grain = interval '5 minutes'
        and r.starts_at >= date_bin('5 minutes', now.at, timestamptz '2000-01-01 00:00:00+00') - interval '15 minutes'))
) r on true;
comment on view app_admin.quota is 'How much of each provider''s quota is used and left, and what did it cost?';
