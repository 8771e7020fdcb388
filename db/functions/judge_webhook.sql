-- What follows from one webhook whose account was looked up: done here, and answered as its outcome. Called by
-- process_webhooks, which holds the account's lease row. Idempotent: a second judgement finds the first one's work done.
--
--   unknown_account  nobody's yet; kept, and judged again when that account is linked
--   unlinked         the account was unlinked by its owner: nothing brings it back
--   ignored          an event that we have never heard of
--   nothing          no reason to act (the echo of our own refresh, say, whose data was read already)
--   needs_you        the consent has ended: the account waits for its owner
--   resumed          a run that waited for this goes on now
--   run_held         a run is at work at this moment; should it begin to wait, it is woken at once (suspend_syncs)
--   queued, running, paused, provider_down   a sync was asked for; queue_sync's answer. After news of a fresh cache it starts
--                    no refresh of its own, which would cost money and bring the same (provider_state.refreshedAt)
--   deferred         too soon after the last attempt: due when the cooldown ends
create or replace function app_private.judge_webhook(p_id bigint) returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_meaning text;
  v_is_own_job boolean;
  v_at_once boolean := false;
  v_is_renewed boolean;
  v_is_fresh boolean;
  v_answer app_public.sync_request;
  w app_private.webhooks;
  a app_public.accounts;
  s app_private.sync_states;
begin
  select * into w from app_private.webhooks where id = p_id;
  v_meaning := app_private.webhook_meaning(w.event, w.status, w.data_status, w.sync_status, w.job_id, w.has_new_data);
  if v_meaning = 'unknown' then
    return 'ignored';
  elsif v_meaning = 'nothing' then
    return 'nothing';
  elsif w.account_id is null then
    return 'unknown_account';
  end if;
  select * into a from app_public.accounts where id = w.account_id;
  if a.unlinked_at is not null then
    return 'unlinked';
  end if;
  select * into s from app_private.sync_states where account_id = w.account_id;
  -- The refresh that the account's last run asked for, as Mono's part of the worker remembers it.
  v_is_own_job := coalesce(w.job_id = s.provider_state ->> 'jobId', false);

  if v_meaning = 'payment' then
    update app_private.tracked_references
    set next_poll_at = least(next_poll_at, v_now)
    where reference_id = w.reference_id and outcome = 'open';
    if not found then
      return 'nothing';
    end if;
    -- A run that is open, a pause or an outage: the reference is asked for as soon as that is over.
    update app_private.sync_states set next_sync_at = least(next_sync_at, v_now) where account_id = a.id;
    v_at_once := true;
  end if;

  -- Late news of an end that a sync, or a new link, has already disproved: worth a look, not an alarm.
  if v_meaning = 'consent_ended'
    and coalesce(w.occurred_at, w.received_at) > greatest(a.last_synced_at, a.linked_at)
  then
    perform app_private.require_owner(a.id);
    if s.run_id is not null and s.held_by is null then
      perform app_private.resume_run(a.id);
    end if;
    return 'needs_you';
  end if;

  -- The page that was minted for this has done its work, and leads nobody anywhere any more.
  if v_meaning = 'consent_renewed' then
    delete from app_private.reauth_links where account_id = a.id;
  end if;

  if s.run_id is not null and v_meaning <> 'payment' then
    if s.held_by is not null then
      return 'run_held';
    elsif w.job_id is null or v_is_own_job or s.provider_state ->> 'jobId' is null then
      perform app_private.resume_run(a.id);
      return 'resumed';
    end if;
    return 'running';
  end if;

  if v_meaning = 'refresh_failed'
    -- Its data was read by the run that asked for it, or that run gave up waiting and the next event tells of news.
    or v_meaning = 'refresh_over' and (v_is_own_job or w.status is distinct from 'finished')
    or v_meaning = 'news' and v_is_own_job and s.provider_state ->> 'dataAsOf' = s.provider_state ->> 'jobStartedAt'
  then
    return 'nothing';
  end if;

  -- The owner came back, and Mono has fetched the account anew: two events, in either order, or one that says SUCCESSFUL.
  -- No cooldown stands between, because the sync needs no refresh. A word of the renewal alone is not enough for that: within
  -- five minutes of a refresh that failed Mono would answer with that very failure (Mono docs, one session in 5 minutes).
  v_is_fresh := v_meaning = 'news';
  if a.sync_status = 'auth_required' and v_meaning in ('news', 'consent_renewed') then
    v_is_renewed := app_private.consent_was_renewed(a.id);
    select coalesce(bool_or(r.job_id is null and app_private.webhook_meaning(
      r.event, r.status, r.data_status, r.sync_status, r.job_id, r.has_new_data) = 'news'), false)
    into v_is_fresh
    from app_private.webhooks r
    join app_private.auth_episodes e on e.account_id = r.account_id and e.recovered_at is null
    where r.account_id = a.id and r.received_at >= e.detected_at;
    v_is_fresh := v_is_fresh and v_is_renewed;
    v_at_once := v_is_fresh;
  end if;
  if v_is_fresh then
    update app_private.sync_states
    set provider_state = provider_state || jsonb_build_object(
      'refreshedAt', to_char(v_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    where account_id = a.id;
  end if;

  v_answer := app_private.queue_sync(a.id, 'webhook', v_at_once);
  if v_answer.outcome in ('cooling_down', 'needs_you', 'paused') and v_answer.until is not null then
    update app_private.sync_states
    set next_sync_at = least(next_sync_at, v_answer.until)
    where account_id = a.id;
  end if;
  return case v_answer.outcome
    when 'already_running' then 'running'
    when 'cooling_down' then 'deferred'
    when 'needs_you' then 'deferred'
    else v_answer.outcome::text
  end;
end
$$;
