-- A user's own choice of how to be told. Other than in choose_sync_settings, what is left out stays as it was: these are
-- switches of their own, and "pause everything" must not undo the rest. Raises SETNV for a choice that makes no sense.
create or replace function app_public.choose_notification_settings(
  language app_public.notification_language default null,
  time_zone text default null,
  quiet_hours boolean default null,
  quiet_from text default null,
  quiet_to text default null,
  paused boolean default null,
  tell_recovery boolean default null
) returns app_public.notification_preferences
language plpgsql security definer -- visitors write no settings themselves
set search_path = pg_catalog, pg_temp
as $$
declare
  v_user_id uuid := app_public.current_user_id();
begin
  if v_user_id is null then
    raise exception 'Sign in to choose settings.' using errcode = 'NTFND';
  end if;
  if choose_notification_settings.quiet_from !~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
    or choose_notification_settings.quiet_to !~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
  then
    raise exception 'Quiet hours begin and end at a time of the day, such as 22:00.' using errcode = 'SETNV';
  end if;
  perform app_private.check_time_zone(choose_notification_settings.time_zone);
  insert into app_public.notification_settings as s
    (user_id, language, time_zone, quiet_hours, quiet_from, quiet_to, paused, tell_recovery)
  values (
    v_user_id, choose_notification_settings.language, choose_notification_settings.time_zone,
    choose_notification_settings.quiet_hours, choose_notification_settings.quiet_from::time, choose_notification_settings.quiet_to::time,
    choose_notification_settings.paused, choose_notification_settings.tell_recovery
  )
  on conflict on constraint notification_settings_pkey do update
  set language = coalesce(excluded.language, s.language), time_zone = coalesce(excluded.time_zone, s.time_zone),
    quiet_hours = coalesce(excluded.quiet_hours, s.quiet_hours), quiet_from = coalesce(excluded.quiet_from, s.quiet_from),
    quiet_to = coalesce(excluded.quiet_to, s.quiet_to), paused = coalesce(excluded.paused, s.paused),
    tell_recovery = coalesce(excluded.tell_recovery, s.tell_recovery);
  if exists (select from app_private.notification_choice(v_user_id) c where c.quiet_from = c.quiet_to) then
    raise exception 'Quiet hours end at another time than they begin; to be quiet always, pause.' using errcode = 'SETNV';
  end if;
  return app_public.notification_preferences();
end
$$;
comment on function app_public.choose_notification_settings(
  app_public.notification_language, text, boolean, text, text, boolean, boolean
) is
  E'@param language The language of pushes and of the feed. At first: English.\n'
  '@param timeZone The zone of the quiet hours, an IANA name such as Africa/Lagos. At first: that of your accounts.\n'
  '@param quietHours Whether pushes wait for the end of the quiet hours. At first: yes.\n'
  '@param quietFrom When the quiet hours begin, as HH:MM. At first: 22:00.\n'
  '@param quietTo When the quiet hours end, as HH:MM; earlier than their beginning means the next morning. At first: 07:00.\n'
  '@param paused Pauses everything: no push at all, over any channel. The feed goes on. At first: no.\n'
  '@param tellRecovery Whether you want to be told when an account that needed you works again. At first: no.\n'
  '@result Your choices as they stand now.\n'
  'Chooses how you want to be notified. What is left out stays as it was.';
