-- Closes the runs that these workers still hold as interrupted and makes their accounts due at once; runs of the accounts
-- in p_except stay. The epoch moves on, so that a worker that was only presumed dead can write nothing any more. Counts
-- in no failure rate.
create or replace function app_private.reclaim_runs(p_workers text[], p_except uuid[] default '{}') returns integer
language sql
set search_path = pg_catalog, pg_temp
as $$
  with held as (
    select s.account_id, s.run_id
    from app_private.sync_states s
    where s.held_by = any (p_workers) and s.account_id <> all (p_except)
      -- Open runs are few and have an index of their own; held_by has none, to keep begin and finish cheap.
      and s.account_id in (select l.account_id from app_public.sync_logs l where l.status = 'in_progress')
    order by s.account_id
    for no key update
  ),
  freed as (
    update app_private.sync_states s
    set run_id = null, held_by = null, enqueued_until = null, epoch = s.epoch + 1, next_sync_at = app_private.clock(),
      last_failure_kind = 'interrupted'
    from held h
    where s.account_id = h.account_id
  ),
  logged as (
    update app_public.sync_logs l
    set status = 'failed', failure_kind = 'interrupted', sync_completed_at = app_private.clock(),
      error_message = 'The worker stopped before the run was done; what was saved stays saved.',
      next_sync_at = app_private.clock()
    from held h
    where l.id = h.run_id
    returning l.account_id, l.sync_started_at
  ),
  told as (
    update app_public.accounts a
    set last_sync_attempt = l.sync_started_at
    from logged l
    where a.id = l.account_id
    returning a.id
  )
  select count(*)::integer from told;
$$;
