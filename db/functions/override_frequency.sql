-- The operator's word on how often accounts are synced: for a platform, or for one account (which beats the platform's).
-- Null takes it back. Answers how many accounts are scheduled anew: a platform's by the task reschedule_accounts, from now on
-- (app_admin.reschedulings tells how far it is), one account at once. Raises SETNV, NTFND, OPSNR.
create or replace function app_admin.override_platform_interval(
  p_platform app_public.platform_source, p_interval interval, p_reason text
) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before interval := (select p.admin_interval from app_private.platforms p where p.platform_source = p_platform);
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_sync_interval(p_interval);
  perform app_private.note_admin_action(
    'override_platform_interval', p_reason, jsonb_build_object('interval', v_before), jsonb_build_object('interval', p_interval),
    p_platform => p_platform);
  update app_private.platforms set admin_interval = p_interval where platform_source = p_platform;
  return app_private.start_rescheduling(p_platform);
end
$$;

create or replace function app_admin.override_account_interval(p_account_id uuid, p_interval interval, p_reason text)
returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before interval := (select s.admin_interval from app_private.sync_states s where s.account_id = p_account_id);
begin
  perform app_private.check_sync_interval(p_interval);
  update app_private.sync_states set admin_interval = p_interval where account_id = p_account_id;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  perform app_private.note_admin_action(
    'override_account_interval', p_reason, jsonb_build_object('interval', v_before), jsonb_build_object('interval', p_interval),
    p_account_id => p_account_id);
  return app_private.reschedule(array[p_account_id]);
end
$$;
