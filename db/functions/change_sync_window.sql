-- Changes when a platform's accounts are synced: from p_preferred_hour of p_time_zone on, spread over p_window. What is left out
-- stays. Accounts whose user chose an hour keep it. Answers how many accounts the task reschedule_accounts goes through from now on
-- (app_admin.reschedulings tells how far it is). Raises NTFND, SETNV, OPSNR.
create or replace function app_admin.change_sync_window(
  p_platform app_public.platform_source, p_reason text, p_preferred_hour integer default null, p_window interval default null,
  p_time_zone text default null
) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  if p_preferred_hour is null and p_window is null and p_time_zone is null then
    raise exception 'Say what to change: the preferred hour, the window''s length or the time zone.' using errcode = 'SETNV';
  end if;
  if p_preferred_hour not between 0 and 23 then
    raise exception 'The preferred hour lies between 0 and 23.' using errcode = 'SETNV';
  end if;
  if p_window < interval '15 minutes' or p_window > interval '24 hours' then
    raise exception 'A sync window lasts between 15 minutes and 24 hours.' using errcode = 'SETNV';
  end if;
  if p_time_zone is not null and not exists (select from pg_catalog.pg_timezone_names z where z.name = p_time_zone) then
    raise exception 'The time zone must be an IANA name, such as Africa/Lagos.' using errcode = 'SETNV';
  end if;
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  perform app_private.note_admin_action(
    'change_sync_window', p_reason,
    jsonb_build_object('preferred_hour', p.preferred_hour, 'window', p.sync_window, 'time_zone', p.time_zone),
    jsonb_build_object('preferred_hour', coalesce(p_preferred_hour, p.preferred_hour), 'window', coalesce(p_window, p.sync_window),
      'time_zone', coalesce(p_time_zone, p.time_zone)),
    p_platform => p_platform);
  update app_private.platforms
  set preferred_hour = coalesce(p_preferred_hour, preferred_hour), sync_window = coalesce(p_window, sync_window),
    time_zone = coalesce(p_time_zone, time_zone)
  where platform_source = p_platform;
  return app_private.start_rescheduling(p_platform);
end
$$;
