-- A user's own choice whether a channel pushes what concerns a platform. Raises SETNV for the feed, which is always kept.
create or replace function app_public.choose_notification_channel(
  platform_source app_public.platform_source, channel app_public.notification_channel, enabled boolean
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
  if choose_notification_channel.channel = 'in_app' then
    raise exception 'The feed is always kept: it cannot be switched off.' using errcode = 'SETNV';
  end if;
  insert into app_public.notification_channels (user_id, platform_source, channel, enabled)
  values (
    v_user_id, choose_notification_channel.platform_source, choose_notification_channel.channel,
    choose_notification_channel.enabled
  )
  on conflict on constraint notification_channels_pkey do update set enabled = excluded.enabled;
  if choose_notification_channel.channel = 'onesignal' then
    perform app_private.mark_tags_stale(v_user_id);
  end if;
  return app_public.notification_preferences();
end
$$;
comment on function app_public.choose_notification_channel(
  app_public.platform_source, app_public.notification_channel, boolean
) is
  E'@param platformSource The platform whose accounts the choice is for.\n'
  '@param channel The channel: onesignal or web_push.\n'
  '@param enabled Whether it pushes.\n'
  '@result Your choices as they stand now.\n'
  'Chooses whether a channel pushes what concerns your accounts of a platform. At first: yes.';
