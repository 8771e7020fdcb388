-- Adds a job under a key that others add as well. graphile-worker's add_job first takes the key from a job that has begun and
-- then inserts; where a worker takes the waiting job in between, it does neither, and answers null: what was to be done after
-- that job began would be done by nobody. So it is asked until a job stands that begins after this transaction.
create or replace function app_private.ensure_job(
  p_task text, p_payload json, p_key text, p_priority integer default 0, p_max_attempts integer default 3,
  p_run_at timestamptz default null
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  while (
    graphile_worker.add_job(
      p_task, p_payload, run_at => p_run_at, job_key => p_key, priority => p_priority, max_attempts => p_max_attempts
    )
  ).id is null loop
  end loop;
end
$$;
