-- How did syncs go, day by day?
create or replace view app_admin.run_history with (security_barrier) as
select
  r.starts_at::date as day,
  r.platform_source,
  sum(r.runs) as runs,
  sum(r.successes)::double precision / nullif(sum(r.runs), 0) as success_rate,
  app_private.duration_quantile(
    array_agg(r.duration_bucket order by r.duration_bucket), array_agg(r.runs order by r.duration_bucket), 0.5) as p50,
  app_private.duration_quantile(
    array_agg(r.duration_bucket order by r.duration_bucket), array_agg(r.runs order by r.duration_bucket), 0.95) as p95,
  sum(r.transactions) as transactions,
  sum(r.requests) as requests
from (
  select r.starts_at at time zone 'utc' as starts_at, r.platform_source, r.duration_bucket, sum(r.runs) as runs,
    sum(r.runs) filter (where r.outcome = 'success') as successes, sum(r.transactions) as transactions, sum(r.requests) as requests
  from app_private.run_rollups r
  where r.grain = interval '1 day' and r.outcome <> 'interrupted'
  group by 1, 2, 3
) r
group by r.starts_at, r.platform_source;
comment on view app_admin.run_history is 'How did syncs go, day by day?';
