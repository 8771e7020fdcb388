-- Which workers are alive, and what do they hold?
create or replace view app_admin.workers with (security_barrier) as
select
  w.worker_id,
  w.runner,
  w.beat_at > clock_timestamp() - interval '20 seconds' as alive,
  clock_timestamp() - w.beat_at as beat_ago,
  clock_timestamp() - w.started_at as up_for,
  coalesce(r.runs, 0) as runs,
  r.longest as longest_run,
  coalesce(j.jobs, 0) as jobs
from app_private.workers w
left join (
  select s.held_by, count(*) as runs, (select app_private.clock()) - min(l.sync_started_at) as longest
  from app_public.sync_logs l
  -- Open runs are few, whatever the planner's sample says: one look-up each (offset 0), never all of sync_states.
  cross join lateral (
    select h.held_by from app_private.sync_states h where h.account_id = l.account_id and h.run_id = l.id offset 0
  ) s
  where l.status = 'in_progress' and s.held_by is not null
  group by s.held_by
) r on r.held_by = w.worker_id
left join (
  select j.locked_by, count(*) as jobs
  from graphile_worker._private_jobs j
  where j.locked_by is not null
  group by j.locked_by
) j on j.locked_by = w.worker_id;
comment on view app_admin.workers is 'Which workers are alive, and what do they hold?';
