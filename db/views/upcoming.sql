-- What will happen next? Scheduled syncs, retries, and runs that wait for their provider, in quarters of an hour.
create or replace view app_admin.upcoming with (security_barrier) as
select
  u.platform_source,
  u.starts_at,
  coalesce(sum(u.accounts) filter (where u.kind = 'scheduled'), 0) as scheduled,
  coalesce(sum(u.accounts) filter (where u.kind = 'retry'), 0) as retries,
  coalesce(sum(u.accounts) filter (where u.kind = 'waiting'), 0) as waiting
from app_private.upcoming_counts u
group by u.platform_source, u.starts_at;
comment on view app_admin.upcoming is
  'What will happen next? Scheduled syncs, retries, and runs that wait for their provider, in quarters of an hour.';
