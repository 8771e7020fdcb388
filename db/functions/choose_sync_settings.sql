-- A user's own choice for one platform: how often, at which hour of which zone. Null takes a choice back. The user's
-- accounts are scheduled anew at once. Raises SETNV for a choice that makes no sense.
create or replace function app_public.choose_sync_settings(
  platform_source app_public.platform_source,
  sync_interval interval default null,
  preferred_hour integer default null,
  time_zone text default null,
  notifications_enabled boolean default true
) returns app_public.sync_settings
language plpgsql security definer -- rescheduling touches sync_states, which no visitor may see
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := app_public.current_user_id();
  v_settings app_public.sync_settings;
begin
  if v_user_id is null then
    raise exception 'Sign in to choose settings.' using errcode = 'NTFND';
  end if;
  perform app_private.check_sync_interval(choose_sync_settings.sync_interval);
  if choose_sync_settings.preferred_hour not between 0 and 23 then
    raise exception 'The preferred hour lies between 0 and 23.' using errcode = 'SETNV';
  end if;
  perform app_private.check_time_zone(choose_sync_settings.time_zone);

  insert into app_public.sync_settings as s (user_id, platform_source, sync_interval, preferred_hour, time_zone, notifications_enabled)
  values (
    v_user_id, choose_sync_settings.platform_source, choose_sync_settings.sync_interval,
    choose_sync_settings.preferred_hour, choose_sync_settings.time_zone, choose_sync_settings.notifications_enabled
  )
  on conflict on constraint sync_settings_pkey do update
  set sync_interval = excluded.sync_interval, preferred_hour = excluded.preferred_hour, time_zone = excluded.time_zone,
    notifications_enabled = excluded.notifications_enabled
  returning * into v_settings;

  perform app_private.reschedule(array(
    select a.id from app_public.accounts a
    where a.user_id = v_user_id and a.platform_source = choose_sync_settings.platform_source
  ));
  return v_settings;
end
$$;
comment on function app_public.choose_sync_settings(app_public.platform_source, interval, integer, text, boolean) is
  E'@param platformSource The platform whose accounts the choice is for.\n'
  '@param syncInterval How often: 15 minutes to 30 days, whole days above one. Left out: as often as your activity asks for.\n'
  '@param preferredHour Hour of the day, 0 to 23, for intervals of a day or more. Left out: when it suits the platform.\n'
  '@param timeZone The zone of that hour, an IANA name such as Africa/Lagos. Left out: the platform''s.\n'
  '@param notificationsEnabled Whether you want to be notified about this platform''s accounts. Left out: yes.\n'
  '@result The choice as it stands now.\n'
  'Chooses how often, and when, your accounts of a platform are synced. What is left out is chosen no longer.';
