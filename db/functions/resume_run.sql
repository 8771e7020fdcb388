-- What the run of this account waited for has happened: it goes on now, first in line. Nothing happens to an account whose
-- run does not wait.
create or replace function app_private.resume_run(p_account_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v record;
begin
  update app_private.sync_states s
  -- Claimed, as the dispatcher would have done.
  set next_sync_at = v_now, enqueued_until = v_now + interval '10 minutes'
  from app_private.platforms p
  where s.account_id = p_account_id and s.run_id is not null and s.held_by is null and p.platform_source = s.platform_source
  returning s.run_id, p.task_identifier into v;
  if found then
    perform app_private.ensure_job(
      v.task_identifier, json_build_object('accountId', p_account_id, 'runId', v.run_id::text),
      'sync:' || p_account_id, p_priority => -10
    );
  end if;
end
$$;
