-- A worker says goodbye: the runs, deliveries and jobs that it still holds are handed back at once instead of after 20 seconds.
create or replace function app_private.stop_worker(p_worker text) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_reclaimed integer;
begin
  delete from app_private.workers where worker_id = p_worker;
  -- Accounts before jobs: beat() says why.
  v_reclaimed := app_private.reclaim_runs(array[p_worker]);
  perform app_private.free_deliveries(array[p_worker]);
  perform graphile_worker.force_unlock_workers(array[p_worker]);
  return v_reclaimed;
end
$$;
