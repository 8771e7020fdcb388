-- Ends links, at once as far as we are concerned: no sync begins, an open run is interrupted and its lease taken back, jobs
-- are removed. What remains is the provider, whom the task unlink_account tells; what is stored stays. Answers the accounts
-- that were linked; the others are left as they are. p_reason: as in unlinkings.
create or replace function app_private.end_links(p_account_ids uuid[], p_reason text) returns uuid[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_ended uuid[];
begin
  -- First the leases, then the accounts: the order in which a closing run locks them.
  perform from app_private.sync_states s where s.account_id = any (p_account_ids) order by s.account_id for no key update;
  v_ended := array(
    select a.id from app_public.accounts a where a.id = any (p_account_ids) and a.unlinked_at is null order by a.id
  );

  -- Both are infinite: whatever brings next_sync_at forward (a choice of settings, a breaker) makes nothing due.
  update app_private.sync_states s
  set run_id = null, held_by = null, epoch = s.epoch + 1, next_sync_at = 'infinity', enqueued_until = 'infinity'
  where s.account_id = any (v_ended);
  update app_public.sync_logs l
  set status = 'failed', failure_kind = 'interrupted', sync_completed_at = v_now,
    error_message = 'The account was unlinked; what was saved stays saved.'
  where l.account_id = any (v_ended) and l.status = 'in_progress';
  update app_public.accounts a set unlinked_at = v_now where a.id = any (v_ended);
  -- Nobody needs to be asked back to a link that is no more.
  perform app_private.close_episodes(v_ended, 'unlinked');

  insert into app_private.unlinkings (account_id, platform_source, external_id, reason, requested_at, next_try_at)
  select a.id, a.platform_source, coalesce(a.mono_account_id, a.mtn_reference_id), p_reason, v_now, v_now
  from app_public.accounts a
  where a.id = any (v_ended)
  -- A wallet that was linked again under the id it had.
  on conflict (external_id, account_id, platform_source) do update
  set reason = excluded.reason, state = 'open', requested_at = v_now, next_try_at = v_now, attempts = 0, last_tried_at = null,
    last_failure_kind = null, last_failure = null, confirmed_at = null, secrets_dropped_at = null;

  perform graphile_worker.remove_job('sync:' || e.id) from unnest(v_ended) as e (id);
  return v_ended;
end
$$;
