-- A worker's heartbeat, and in the same call the burial of the dead: whoever has not beaten for 20 seconds loses jobs,
-- runs and deliveries. graphile-worker alone would free a killed worker's jobs after 4 hours. Beating every 5 seconds, any living
-- worker notices within 25. Machine time throughout: a virtual week must not kill a living worker.
--
-- p_active: the accounts that the worker has jobs for. A run that it holds of any other account was lost on the way (its
-- job died of a dropped connection, before it could close the run) and is taken back as well. Null: not told.
--
-- p_jobs: the jobs that the worker knows it has. graphile-worker takes a job with a statement whose answer a dropped
-- connection can swallow: the job is then locked by a living worker that never heard of it, and would be for 4 hours. A
-- job that was taken more than 15 seconds ago and is not named is free again. Null: not told.
--
-- Answers how many workers were buried, how many runs taken back and how many jobs of the living freed. A worker that was buried and wakes up is told by
-- every verb that its leases are lost, and registers again with its next beat.
create or replace function app_private.beat(p_worker text, p_runner text, p_active uuid[] default null, p_jobs bigint[] default null)
returns table (workers_buried integer, runs_reclaimed integer, jobs_freed integer)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_dead text[];
  v_reclaimed integer := 0;
  v_freed integer := 0;
begin
  insert into app_private.workers as w (worker_id, runner) values (p_worker, p_runner)
  on conflict (worker_id) do update set beat_at = clock_timestamp();

  with dead as (
    delete from app_private.workers w
    where w.worker_id in (
      select d.worker_id
      from app_private.workers d
      where d.beat_at < clock_timestamp() - interval '20 seconds'
      for update skip locked
    )
    returning w.worker_id
  )
  select coalesce(array_agg(worker_id), '{}') into v_dead from dead;

  -- Leases of workers that never registered, or were buried while beginning one.
  v_dead := v_dead || coalesce((
    select array_agg(distinct s.held_by)
    from app_public.sync_logs l
    join app_private.sync_states s on s.account_id = l.account_id
    -- A run that waits for its provider has no holder; and null differs from all of none.
    where l.status = 'in_progress' and s.held_by is not null and s.held_by <> all (v_dead)
      and not exists (select from app_private.workers w where w.worker_id = s.held_by)
  ), '{}');

  -- Jobs of pools that were killed between taking their first job and registering.
  v_dead := v_dead || coalesce((
    select array_agg(distinct j.locked_by)
    from graphile_worker._private_jobs j
    where j.locked_at < clock_timestamp() - interval '30 seconds' and j.locked_by <> all (v_dead)
      and not exists (select from app_private.workers w where w.worker_id = j.locked_by)
  ), '{}');

  -- Accounts before jobs, as everybody does who adds a job for an account: the other way round, this and a tick of the
  -- dispatcher waited for each other.
  if p_active is not null then
    v_reclaimed := app_private.reclaim_runs(array[p_worker], p_active);
  end if;
  if cardinality(v_dead) > 0 then
    v_reclaimed := v_reclaimed + app_private.reclaim_runs(v_dead);
    perform app_private.free_deliveries(v_dead);
    perform graphile_worker.force_unlock_workers(v_dead);
  end if;
  if p_jobs is not null then
    -- None of our jobs has a named queue, whose lock would have to be freed with it.
    update graphile_worker._private_jobs j
    set locked_at = null, locked_by = null, run_at = greatest(j.run_at, now())
    where j.locked_by = p_worker and j.locked_at < clock_timestamp() - interval '15 seconds' and j.id <> all (p_jobs)
      and j.job_queue_id is null;
    get diagnostics v_freed = row_count;
  end if;
  return query select cardinality(v_dead), v_reclaimed, v_freed;
end
$$;
