-- Which outages are there, and were there? An empty institution_code is the whole platform.
create or replace view app_admin.incidents with (security_barrier) as
select
  i.id,
  i.platform_source,
  i.institution_code,
  i.opened_at,
  i.closed_at,
  coalesce(i.closed_at, (select app_private.clock())) - i.opened_at as lasted,
  b.probes,
  b.next_probe_at,
  case when i.closed_at is null then (
    select sum(c.failing)
    from app_private.account_counts c
    where c.platform_source = i.platform_source and i.institution_code in (c.institution_code, '')
  ) end as failing_accounts,
  e.error_message as last_error,
  e.platform_specific_error as last_code
from app_private.incidents i
left join app_private.breakers b on i.closed_at is null and b.platform_source = i.platform_source
  and b.institution_code = i.institution_code
left join lateral (
  select r.error_message, r.platform_specific_error
  from app_public.accounts a
  join app_public.sync_logs r on r.account_id = a.id and r.user_id = a.user_id and r.failure_kind is not null
  where a.id = b.failed_accounts[1]
  order by r.id desc
  limit 1
) e on true;
comment on view app_admin.incidents is 'Which outages are there, and were there?';
