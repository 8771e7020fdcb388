-- Reads an account's days from p_from on once more, or for the first time if its history began later, and syncs it at once. What
-- is stored stays: only what the provider tells differently changes. Answers how many days will be read. Needs no undo.
-- Raises NTFND, SETNV for a day that makes no sense, OPSNP for a link that has ended or has no list to read, OPSNR.
create or replace function app_admin.backfill_account(p_account_id uuid, p_from date, p_reason text) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_today date;
  v_before jsonb;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  select (v_now at time zone l.time_zone)::date into v_today from app_private.links l where l.account_id = p_account_id;
  if p_from is null or p_from > v_today or p_from < v_today - 3660 then
    raise exception 'A backfill begins on a day of the last ten years.' using errcode = 'SETNV';
  end if;
  select jsonb_object_agg(c.source, jsonb_build_object('history_start', c.history_start, 'settled', c.settled)) into v_before
  from app_private.coverage c
  where c.account_id = p_account_id;
  if v_before is null then
    raise exception 'The account has no source that lists transactions.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'backfill_account', p_reason, v_before, jsonb_build_object('from', p_from), p_account_id => p_account_id);
  update app_private.coverage c
  set history_start = least(c.history_start, p_from), settled = c.settled - datemultirange(daterange(p_from, null))
  where c.account_id = p_account_id;
  -- A run that is open has its windows already: the next one reads these.
  update app_private.sync_states s
  set next_sync_at = v_now, enqueued_until = null
  where s.account_id = p_account_id and s.run_id is null;
  if found then
    perform app_private.queue_sync(p_account_id, 'manual', true);
  end if;
  return v_today - p_from + 1;
end
$$;
