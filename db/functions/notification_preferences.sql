-- One's own choices of how to be told, with what holds where none was made. Null for nobody.
create or replace function app_public.notification_preferences() returns app_public.notification_preferences
language sql stable security definer -- what holds where nothing was chosen depends on links, which no visitor may see
set search_path = pg_catalog, pg_temp
as $$
  select row (
    c.language, c.time_zone, c.quiet_hours, to_char(c.quiet_from, 'HH24:MI'), to_char(c.quiet_to, 'HH24:MI'), c.paused, c.tell_recovery,
    (select array_agg(
       row (p.platform_source, e.channel, coalesce(n.enabled, true))::app_public.notification_channel_choice
       order by p.platform_source, e.channel)
     from app_private.platforms p
     cross join unnest(enum_range(null::app_public.notification_channel)) as e (channel)
     left join app_public.notification_channels n
       on n.user_id = me.id and n.platform_source = p.platform_source and n.channel = e.channel
     where e.channel <> 'in_app')
  )::app_public.notification_preferences
  from (select app_public.current_user_id()) as me (id)
  cross join lateral app_private.notification_choice(me.id) c
  where me.id is not null;
$$;
comment on function app_public.notification_preferences() is
  'How you want to be notified; what you have not chosen is as it is by default.';
