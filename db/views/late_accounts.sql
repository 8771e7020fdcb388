-- Which accounts are late, and why? An account is late when its time has come and its run has not ended.
create or replace view app_admin.late_accounts with (security_barrier) as
select
  s.account_id,
  s.platform_source,
  s.next_sync_at as due_since,
  app_private.clock() - s.next_sync_at as late_by,
  case
    when p.paused_until > app_private.clock() then 'platform paused: ' || coalesce(p.paused_reason, 'no reason given')
    when a.paused_at is not null then 'account paused'
    when s.held_by is not null then 'running'
    when s.run_id is not null then 'waiting for the provider'
    when s.enqueued_until > app_private.clock() then 'in the queue'
    else 'not dispatched yet'
  end as why,
  s.failures,
  s.last_failure_kind
from app_private.sync_states s
join app_public.accounts a on a.id = s.account_id
join app_private.platforms p on p.platform_source = s.platform_source
where s.next_sync_at <= app_private.clock() and a.unlinked_at is null;
comment on view app_admin.late_accounts is 'Which accounts are late, and why?';
