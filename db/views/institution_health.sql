-- Which bank is failing, and how?
create or replace view app_admin.institution_health with (security_barrier) as
select
  coalesce(c.platform_source, h.platform_source) as platform_source,
  coalesce(c.institution_code, h.institution_code) as institution_code,
  case
    when z.until > now.at then 'paused'
    when b.opened_at is not null then 'down'
    when h.runs_1h >= 5 and h.successes_1h < 0.9 * h.runs_1h then 'failing'
    else 'ok'
  end as verdict,
  c.accounts,
  c.failing,
  c.late,
  c.stale,
  c.needs_owner,
  h.successes_1h::double precision / nullif(h.runs_1h, 0) as success_rate_1h,
  h.successes::double precision / nullif(h.runs, 0) as success_rate_24h,
  h.main_failure as main_failure_1h,
  coalesce(h.runs, 0) as runs_24h,
  coalesce(h.transactions, 0) as transactions_24h,
  b.opened_at as down_since,
  b.next_probe_at,
  case when z.until > now.at then z.until end as paused_until,
  case when z.until > now.at then z.reason end as paused_reason
from app_private.account_counts c
full join (
  select r.platform_source, r.institution_code,
    sum(r.runs) filter (where r.grain = interval '1 hour' and r.outcome <> 'interrupted') as runs,
    sum(r.runs) filter (where r.grain = interval '1 hour' and r.outcome = 'success') as successes,
    sum(r.transactions) filter (where r.grain = interval '1 hour') as transactions,
    coalesce(sum(r.runs) filter (where r.grain = interval '5 minutes' and r.outcome <> 'interrupted'), 0) as runs_1h,
    coalesce(sum(r.runs) filter (where r.grain = interval '5 minutes' and r.outcome = 'success'), 0) as successes_1h,
    (array_agg(r.outcome order by r.runs desc, r.outcome)
      filter (where r.grain = interval '5 minutes' and r.outcome not in ('success', 'interrupted')))[1] as main_failure
  from (
    select r.platform_source, r.institution_code, r.grain, r.outcome, sum(r.runs) as runs, sum(r.transactions) as transactions
    from app_private.run_rollups r
    where r.grain = interval '1 hour' and r.starts_at > app_private.clock() - interval '1 day'
    group by 1, 2, 3, 4
    union all
    select r.platform_source, r.institution_code, r.grain, r.outcome, sum(r.runs), sum(r.transactions)
    from app_private.run_rollups r
    where r.grain = interval '5 minutes' and r.starts_at > app_private.clock() - interval '1 hour'
    group by 1, 2, 3, 4
  ) r
  group by 1, 2
) h on h.platform_source = c.platform_source and h.institution_code = c.institution_code
cross join (select app_private.clock()) as now (at)
left join app_private.breakers b on b.platform_source = coalesce(c.platform_source, h.platform_source)
  and b.institution_code = coalesce(c.institution_code, h.institution_code)
left join app_private.pauses z on z.platform_source = coalesce(c.platform_source, h.platform_source)
  and z.institution_code = coalesce(c.institution_code, h.institution_code);
comment on view app_admin.institution_health is 'Which bank is failing, and how?';
