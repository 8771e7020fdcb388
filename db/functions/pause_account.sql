-- Pauses one account until resume_account(). Answers since when it is paused: said again, the pause stays as old as it is.
-- Raises NTFND, OPSNP for an account whose link has ended, OPSNR.
create or replace function app_admin.pause_account(p_account_id uuid, p_reason text) returns timestamptz
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_since timestamptz;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  perform app_private.note_admin_action('pause_account', p_reason, p_account_id => p_account_id);
  update app_public.accounts
  set paused_at = coalesce(paused_at, app_private.clock())
  where id = p_account_id
  returning paused_at into v_since;
  -- Out of the dispatcher's sight; a run that is open ends first.
  update app_private.sync_states set enqueued_until = 'infinity' where account_id = p_account_id and run_id is null;
  return v_since;
end
$$;

-- Takes an account's pause back; if it is overdue, it is synced with the next tick. Raises NTFND, OPSNP where it is not
-- paused, OPSNR.
create or replace function app_admin.resume_account(p_account_id uuid, p_reason text) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_since timestamptz;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  select a.paused_at into v_since from app_public.accounts a where a.id = p_account_id;
  if v_since is null then
    raise exception 'The account is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_account', p_reason, jsonb_build_object('paused_at', v_since), p_account_id => p_account_id);
  update app_public.accounts set paused_at = null where id = p_account_id;
  perform app_private.release_paused(array[p_account_id]);
end
$$;
