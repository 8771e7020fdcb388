-- How deep and how old is the queue, task by task?
create or replace view app_admin.queue with (security_barrier) as
select
  t.identifier as task,
  count(*) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= now()) as ready,
  now() - min(j.run_at) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at <= now()) as oldest_ready,
  count(*) filter (where j.locked_at is not null) as running,
  now() - min(j.locked_at) as longest_running,
  count(*) filter (where j.locked_at is null and j.attempts < j.max_attempts and j.run_at > now()) as later,
  count(*) filter (where j.locked_at is null and j.attempts > 0 and j.attempts < j.max_attempts) as tried_before,
  count(*) filter (where j.locked_at is null and j.attempts >= j.max_attempts) as dead
from graphile_worker._private_tasks t
left join graphile_worker._private_jobs j on j.task_id = t.id
group by t.identifier;
comment on view app_admin.queue is 'How deep and how old is the queue, task by task?';
