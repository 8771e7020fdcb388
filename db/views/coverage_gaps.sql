-- Which accounts lack days they should have? Found anew every hour, at most 1,000 of them.
create or replace view app_admin.coverage_gaps with (security_barrier) as
select
  g.account_id,
  a.platform_source,
  l.institution_code,
  g.source,
  g.from_day,
  g.to_day,
  g.missing_days,
  a.sync_status,
  a.last_synced_at,
  s.failures,
  s.last_failure_kind,
  s.next_sync_at
from app_private.coverage_gaps g
join app_public.accounts a on a.id = g.account_id
join app_private.links l on l.account_id = g.account_id
join app_private.sync_states s on s.account_id = g.account_id;
comment on view app_admin.coverage_gaps is 'Which accounts lack days they should have?';
