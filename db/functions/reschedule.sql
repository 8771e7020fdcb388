-- Schedules accounts anew after somebody's choice changed. Accounts whose run is open, that are due anyway, or that wait
-- out a failure keep their time: their next finish follows the new choice. An open reference is asked for no later.
create or replace function app_private.reschedule(p_account_ids uuid[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  update app_private.sync_states s
  set next_sync_at = least(
    app_private.schedule(s.account_id, coalesce(a.last_sync_attempt, app_private.clock())),
    (select min(t.next_poll_at) from app_private.tracked_references t where t.account_id = s.account_id)
  )
  from app_public.accounts a
  where s.account_id = any (p_account_ids) and a.id = s.account_id and a.unlinked_at is null
    and s.run_id is null and s.failures = 0 and s.next_sync_at > app_private.clock();
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
