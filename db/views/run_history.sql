-- How did syncs go, day by day?
create or replace view app_admin.run_history with (security_barrier) as
select
  (r.starts_at at time zone 'utc')::date as day,
  r.platform_source,
  r.runs,
  r.successes::double precision / nullif(r.runs, 0) as success_rate,
  app_private.duration_quantile(d.buckets, d.counts, 0.5) as p50,
  app_private.duration_quantile(d.buckets, d.counts, 0.95) as p95,
  r.transactions,
  r.requests
from (
  select r.starts_at, r.platform_source, sum(r.runs) as runs, coalesce(sum(r.runs) filter (where r.outcome = 'success'), 0) as successes,
    sum(r.transactions) as transactions, sum(r.requests) as requests
  from app_private.run_rollups r
  where r.grain = interval '1 day' and r.outcome <> 'interrupted'
  group by r.starts_at, r.platform_source
) r
left join (
  select d.starts_at, d.platform_source, array_agg(d.duration_bucket order by d.duration_bucket) as buckets,
    array_agg(d.runs::numeric order by d.duration_bucket) as counts
  from app_private.run_durations d
  where d.grain = interval '1 day'
  group by d.starts_at, d.platform_source
) d on d.starts_at = r.starts_at and d.platform_source = r.platform_source;
comment on view app_admin.run_history is 'How did syncs go, day by day?';
