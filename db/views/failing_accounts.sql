-- Which accounts fail, why, and when are they tried again?
create or replace view app_admin.failing_accounts with (security_barrier) as
select
  s.account_id,
  s.platform_source,
  l.institution_code,
  s.failures,
  s.last_failure_kind,
  r.error_message,
  r.platform_specific_error,
  a.sync_status,
  a.last_synced_at,
  s.next_sync_at as next_try_at
from app_private.sync_states s
join app_public.accounts a on a.id = s.account_id
join app_private.links l on l.account_id = s.account_id
left join lateral (
  select r.error_message, r.platform_specific_error
  from app_public.sync_logs r
  where r.account_id = a.id and r.user_id = a.user_id and r.status <> 'in_progress'
  order by r.id desc
  limit 1
) r on true
where s.failures > 0 and a.unlinked_at is null;
comment on view app_admin.failing_accounts is 'Which accounts fail, why, and when are they tried again?';
