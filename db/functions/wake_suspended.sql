-- Runs that were just let go, and whose provider had called while they were still at work: what they wait for has happened
-- already, so that they go on at once. Each call wakes a run once; one from before the run began is none of its business.
create or replace function app_private.wake_suspended(p_account_ids uuid[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid;
begin
  for v_account_id in
    with heard as (
      update app_private.webhooks w
      set outcome = 'resumed'
      from app_public.sync_logs l
      where w.account_id = any (p_account_ids) and w.outcome = 'run_held'
        and l.account_id = w.account_id and l.status = 'in_progress' and w.received_at >= l.sync_started_at
      returning w.account_id
    )
    select distinct h.account_id from heard h
  loop
    perform app_private.resume_run(v_account_id);
  end loop;
end
$$;
