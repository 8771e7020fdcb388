-- Notifications were written: each goes to the feed, which it is in already, and over every channel that its user wants for
-- its platform. A push waits for the end of the quiet hours; one of an outage also for outage_push_after, since most are over
-- by then; and that the outage is over is told over the channels that told of it.
create or replace function app_private.tg_notifications__deliver() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids uuid[];
begin
  insert into app_private.deliveries (notification_id, user_id, channel, created_at, expires_at, outcome, finished_at)
  select n.id, n.user_id, 'in_app', n.created_at, n.created_at, 'delivered', n.created_at
  from told n;

  with pushed as (
    insert into app_private.deliveries (notification_id, user_id, channel, subscription_id, created_at, next_attempt_at, expires_at)
    select n.id, n.user_id, t.channel, t.subscription_id, n.created_at,
      coalesce(case when c.quiet_hours then app_private.quiet_until(first.at, c.quiet_from, c.quiet_to, c.time_zone) end, first.at),
      -- The word that a link needs its owner is worth more than news.
      n.created_at + case when n.kind in ('reauth_required', 'reauth_reminder') then interval '3 days' else interval '1 day' end
    from told n
    join app_private.platforms p on p.platform_source = n.platform_source
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_private.incidents i on i.id = n.incident_id
    left join app_public.sync_settings s on s.user_id = n.user_id and s.platform_source = n.platform_source
    cross join lateral (
      select 'onesignal'::app_public.notification_channel, null::bigint
      union all
      select 'web_push', b.id from app_public.push_subscriptions b where b.user_id = n.user_id
    ) as t (channel, subscription_id)
    left join app_public.notification_channels w
      on w.user_id = n.user_id and w.platform_source = n.platform_source and w.channel = t.channel
    cross join lateral (
      select case when n.kind = 'provider_down' then greatest(n.created_at, i.opened_at + p.outage_push_after) else n.created_at end
    ) as first (at)
    where not c.paused and coalesce(s.notifications_enabled, true) and coalesce(w.enabled, true)
      and (n.kind <> 'provider_recovered' or exists (
        select
        from app_public.notifications o
        join app_private.deliveries d on d.notification_id = o.id
        where o.incident_id = n.incident_id and o.user_id = n.user_id and o.kind = 'provider_down'
          and d.channel = t.channel and d.subscription_id is not distinct from t.subscription_id and d.outcome = 'delivered'
      ))
    returning id
  )
  select array_agg(id) into v_ids from pushed;
  perform app_private.enqueue_deliveries(v_ids);
  return null;
end
$$;
