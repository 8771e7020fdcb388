-- Which accounts are late, and why? An account is late when its time has come and its run has not ended.
--
-- Three ways lead to one, each by an index, so that this costs what is late: by the dispatcher's index what was not handed
-- out, by the queue what was, by the open runs what is under way. (clock() stands bare where an index is chosen by its value, and in
-- a subquery where it would be called for each row: 5 µs.) A job that was lost hides its account until the claim ends, ten
-- minutes at most.
create or replace view app_admin.late_accounts with (security_barrier) as
select
  s.account_id,
  s.platform_source,
  l.institution_code,
  s.next_sync_at as due_since,
  (select app_private.clock()) - s.next_sync_at as late_by,
  case
    when p.paused_until > (select app_private.clock()) then 'platform paused: ' || coalesce(p.paused_reason, 'no reason given')
    when a.paused_at is not null then 'account paused'
    when z.reason is not null then z.reason
    when w.why = 'running' and s.held_by is null then 'waiting for the provider'
    when b.next_probe_at > (select app_private.clock()) then 'provider down'
    else w.why
  end as why,
  s.failures,
  s.last_failure_kind
from (
  select s.account_id, 'not dispatched yet' as why
  from app_private.platforms p
  join app_private.sync_states s on s.platform_source = p.platform_source
    and greatest(s.next_sync_at, s.enqueued_until) <= app_private.clock()
  where s.run_id is null
  union all
  select s.account_id, 'in the queue'
  from graphile_worker._private_jobs j
  cross join lateral (
    select s.account_id, s.run_id, s.enqueued_until
    from app_private.sync_states s
    where s.account_id = case when j.key ~ '^sync:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then substr(j.key, 6)::uuid end
    -- One by one, by the key: a hash of all accounts is what the planner would choose.
    offset 0
  ) s
  where s.run_id is null and s.enqueued_until > (select app_private.clock())
  union all
  select s.account_id, 'running'
  from app_public.sync_logs r
  join app_private.sync_states s on s.account_id = r.account_id and s.run_id = r.id
  where r.status = 'in_progress'
  union all
  select a.id, 'account paused'
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  where a.paused_at is not null and s.run_id is null and s.enqueued_until > (select app_private.clock())
) w
join app_private.sync_states s on s.account_id = w.account_id
join app_public.accounts a on a.id = s.account_id
join app_private.links l on l.account_id = s.account_id
join app_private.platforms p on p.platform_source = s.platform_source
left join lateral (
  select case when z.user_id is null then 'institution paused: ' else 'user paused: ' end || z.reason as reason
  from app_private.pauses z
  where z.until > (select app_private.clock())
    and (z.user_id = a.user_id or (z.platform_source = a.platform_source and z.institution_code = l.institution_code))
  limit 1
) z on true
left join lateral (
  select max(b.next_probe_at) as next_probe_at
  from app_private.breakers b
  where b.platform_source = s.platform_source and b.institution_code in (l.institution_code, '') and b.opened_at is not null
) b on true
where s.next_sync_at <= (select app_private.clock()) and a.unlinked_at is null;
comment on view app_admin.late_accounts is 'Which accounts are late, and why?';
