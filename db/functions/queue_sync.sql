-- Whether an account may be synced now, and if so its job, first in line. The answers are request_sync's; who may ask is
-- the caller's affair. Cooldown, pause and breaker apply, backoff never does. p_at_once: without the cooldown, for somebody
-- who has just done what the account was waiting for.
-- Answers null for an account that is unknown or unlinked.
create or replace function app_private.queue_sync(
  p_account_id uuid, p_trigger app_public.sync_trigger, p_at_once boolean default false
) returns app_public.sync_request
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_outcome app_public.sync_request_outcome;
  v_until timestamptz;
  v record;
begin
  select a.sync_status, a.paused_at, a.last_sync_attempt, p.cooldown, p.paused_until, p.task_identifier, s.run_id, (
      select max(b.next_probe_at)
      from app_private.breakers b
      join app_private.links l on l.account_id = a.id
      where b.platform_source = a.platform_source and b.institution_code in (l.institution_code, '')
    ) as down_until, (select z.until from app_private.standing_pauses(array[p_account_id]) z) as paused_with_others
  into v
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  join app_private.platforms p on p.platform_source = a.platform_source
  where a.id = p_account_id and a.unlinked_at is null
  for no key update of s;
  if not found then
    return null;
  end if;

  case
    when v.paused_at is not null then
      v_outcome := 'paused';
    when v.paused_until > v_now or v.paused_with_others is not null then
      v_outcome := 'paused';
      -- greatest() ignores nulls, and a pause that is over.
      v_until := nullif(greatest(v.paused_until, v.paused_with_others), 'infinity');
    when v.run_id is not null then
      v_outcome := 'already_running';
    when v.down_until > v_now then
      v_outcome := 'provider_down';
      v_until := v.down_until;
    when not p_at_once and v.last_sync_attempt + v.cooldown > v_now then
      v_outcome := case when v.sync_status = 'auth_required' then 'needs_you' else 'cooling_down' end;
      v_until := v.last_sync_attempt + v.cooldown;
    else
      v_outcome := 'queued';
      perform app_private.ensure_job(
        v.task_identifier, json_build_object('accountId', p_account_id, 'trigger', p_trigger),
        'sync:' || p_account_id, p_priority => -10
      );
  end case;
  return row (v_outcome, v_until)::app_public.sync_request;
end
$$;
