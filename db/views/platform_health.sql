-- Is sync healthy, platform by platform?
create or replace view app_admin.platform_health with (security_barrier) as
select
  p.platform_source,
  p.label,
  case
    when p.paused_until > now.at then 'paused'
    when b.opened_at is not null then 'down'
    when p.last_dispatch_at < clock_timestamp() - interval '3 minutes' or p.last_dispatch_at is null then 'not dispatched'
    when f.at_risk then 'behind'
    when c.stale > 0.05 * (c.accounts - c.paused - c.needs_owner) then 'stale'
    when q.runs > 20 and q.successes < 0.9 * q.runs then 'failing'
    else 'ok'
  end as verdict,
  c.accounts,
  c.paused,
  c.needs_owner,
  c.failing,
  c.late,
  c.stale,
  1 - c.stale::double precision / nullif(c.accounts - c.paused - c.needs_owner, 0) as freshness,
  q.successes::double precision / nullif(q.runs, 0) as success_rate_1h,
  h.successes::double precision / nullif(h.runs, 0) as success_rate_24h,
  m.successes::double precision / nullif(m.runs, 0) as success_rate_30d,
  app_private.duration_quantile(t.buckets, t.counts, 0.5) as p50,
  app_private.duration_quantile(t.buckets, t.counts, 0.95) as p95,
  app_private.duration_quantile(t.buckets, t.counts, 0.99) as p99,
  coalesce(h.runs, 0) as runs_24h,
  coalesce(h.interrupted, 0) as interrupted_24h,
  coalesce(h.transactions, 0) as transactions_24h,
  coalesce(h.requests, 0) as requests_24h,
  now.at - d.oldest as waiting_for_dispatch,
  clock_timestamp() - p.last_dispatch_at as dispatched_ago,
  f.window_ends_at,
  f.projected_finish,
  f.at_risk as window_at_risk,
  case when p.paused_until > now.at then p.paused_until end as paused_until,
  case when p.paused_until > now.at then p.paused_reason end as paused_reason,
  now.at - c.counted_at as accounts_counted_ago,
  clock_timestamp() - s.runs_folded_at as runs_counted_ago,
  -- From detection to recovery, of the last 2,000 episodes of all platforms; those that are open are counted by needs_owner.
  e.median as owner_back_median,
  e.p95 as owner_back_p95
from app_private.platforms p
cross join (select app_private.clock()) as now (at)
cross join app_private.statistics s
cross join lateral app_private.window_forecast(p.platform_source) f
left join app_private.breakers b on b.platform_source = p.platform_source and b.institution_code = ''
left join lateral (
  select sum(c.accounts) as accounts, sum(c.paused) as paused, sum(c.needs_owner) as needs_owner, sum(c.failing) as failing,
    sum(c.late) as late, sum(c.stale) as stale, max(c.counted_at) as counted_at
  from app_private.account_counts c
  where c.platform_source = p.platform_source
) c on true
-- The whole hours that began within the last day, and the whole spans of five minutes that began within the last hour.
left join lateral (
  select coalesce(sum(r.runs) filter (where r.outcome <> 'interrupted'), 0) as runs,
    coalesce(sum(r.runs) filter (where r.outcome = 'success'), 0) as successes,
    coalesce(sum(r.runs) filter (where r.outcome = 'interrupted'), 0) as interrupted,
    sum(r.transactions) as transactions, sum(r.requests) as requests
  from app_private.run_rollups r
  where r.grain = interval '1 hour' and r.starts_at > now.at - interval '1 day' and r.platform_source = p.platform_source
) h on true
left join lateral (
  select coalesce(sum(r.runs) filter (where r.outcome <> 'interrupted'), 0) as runs,
    coalesce(sum(r.runs) filter (where r.outcome = 'success'), 0) as successes
  from app_private.run_rollups r
  where r.grain = interval '5 minutes' and r.starts_at > now.at - interval '1 hour' and r.platform_source = p.platform_source
) q on true
left join lateral (
  select array_agg(d.duration_bucket order by d.duration_bucket) as buckets, array_agg(d.runs order by d.duration_bucket) as counts
  from (
    select d.duration_bucket, sum(d.runs) as runs
    from app_private.run_durations d
    where d.grain = interval '1 hour' and d.starts_at > now.at - interval '1 day' and d.platform_source = p.platform_source
    group by d.duration_bucket
  ) d
) t on true
left join (
  select a.platform_source,
    percentile_disc(0.5) within group (order by e.recovered_at - e.detected_at) as median,
    percentile_disc(0.95) within group (order by e.recovered_at - e.detected_at) as p95
  from (select n.* from app_private.auth_episodes n order by n.id desc limit 2000) e
  cross join lateral (
    -- One look-up each, whatever the planner's sample says.
    select o.platform_source from app_public.accounts o where o.id = e.account_id offset 0
  ) a
  where e.closed_by = 'sync'
  group by a.platform_source
) e on e.platform_source = p.platform_source
left join lateral (
  select sum(r.runs) filter (where r.outcome <> 'interrupted') as runs, sum(r.runs) filter (where r.outcome = 'success') as successes
  from app_private.run_rollups r
  where r.grain = interval '1 day' and r.starts_at > now.at - interval '30 days' and r.platform_source = p.platform_source
) m on true
left join lateral (
  select min(greatest(s.next_sync_at, s.enqueued_until)) as oldest
  from app_private.sync_states s
  where s.platform_source = p.platform_source and greatest(s.next_sync_at, s.enqueued_until) <= now.at
) d on true;
comment on view app_admin.platform_health is 'Is sync healthy, platform by platform?';
