-- Claims deliveries of one channel for a worker and answers all that their messages need; a delivery that is not answered is
-- not to be sent. What has changed since it was written is looked at now: its user may have paused everything, gone to bed
-- (it waits), come back without it, or closed the browser.
--
-- The lease is machine time and longer than any request may take. A worker that dies loses it within half a minute (beat).
create or replace function app_private.begin_deliveries(
  p_channel app_public.notification_channel, p_worker text, p_ids uuid[]
) returns table (
  id uuid, attempt integer, user_id uuid, kind app_public.notification_kind, platform_source app_public.platform_source,
  account_id uuid, account_name text, params jsonb, language app_public.notification_language, topic text,
  expires_at timestamptz, now timestamptz, subscription json, run_id text
)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_locked uuid[];
  v_claimed uuid[];
begin
  -- A statement of its own: what is judged next is as it stands once these are locked. An episode that is opened again at
  -- this moment waits for that lock (open_episodes), and then finds what was called off because of it. Nor is a locked row
  -- skipped, as elsewhere: this job is the only one that will ask, and whoever holds the lock does so for milliseconds.
  v_locked := array(
    select d.id
    from app_private.deliveries d
    where d.id = any (p_ids) and d.channel = p_channel and d.outcome is null and d.next_attempt_at <= v_now
      and coalesce(d.leased_until, '-infinity') <= clock_timestamp()
    order by d.id
    for no key update
  );

  with judged as (
    select d.id,
      case
        when d.expires_at <= v_now then array['expired', 'too_late', d.reason]
        when c.paused then array['suppressed', 'paused', 'Its user paused everything.']
        when not coalesce(s.notifications_enabled, true) then
          array['suppressed', 'platform_off', 'Its user wants no pushes about this platform.']
        when not coalesce(w.enabled, true) then array['suppressed', 'channel_off', 'Its user switched this channel off.']
        when a.unlinked_at is not null then array['superseded', 'unlinked', 'The account was unlinked.']
        when n.kind in ('reauth_required', 'reauth_reminder') and e.recovered_at is not null
          or n.kind = 'sync_failing' and f.failing_told_at is null
          or n.kind = 'provider_down' and i.closed_at is not null
        then array['superseded', 'recovered', 'What it tells of was over before it could be delivered.']
        when p_channel = 'web_push' and d.subscription_id is null then
          array['unreachable', 'subscription_gone', 'The browser is subscribed no longer.']
      end as verdict,
      case when c.quiet_hours then app_private.quiet_until(v_now, c.quiet_from, c.quiet_to, c.time_zone) end as quiet_until
    from app_private.deliveries d
    join app_public.notifications n on n.id = d.notification_id
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_public.accounts a on a.id = n.account_id
    left join app_private.sync_states f on f.account_id = n.account_id
    left join app_private.auth_episodes e on e.id = n.episode_id
    left join app_private.incidents i on i.id = n.incident_id
    left join app_public.sync_settings s on s.user_id = n.user_id and s.platform_source = n.platform_source
    left join app_public.notification_channels w
      on w.user_id = n.user_id and w.platform_source = n.platform_source and w.channel = p_channel
    where d.id = any (v_locked)
  ),
  decided as (
    update app_private.deliveries d
    set outcome = j.verdict[1],
      finished_at = case when j.verdict is not null then v_now end,
      code = coalesce(j.verdict[2], d.code),
      reason = coalesce(j.verdict[3], d.reason),
      next_attempt_at = case when j.verdict is null then coalesce(j.quiet_until, d.next_attempt_at) end,
      enqueued_until = null,
      needs_operator = d.needs_operator and j.verdict is null,
      attempts = d.attempts + claim.made::integer,
      last_attempt_at = case when claim.made then v_now else d.last_attempt_at end,
      leased_until = case when claim.made then clock_timestamp() + interval '2 minutes' end,
      held_by = case when claim.made then p_worker end
    from judged j
    cross join lateral (select j.verdict is null and j.quiet_until is null) as claim (made)
    where d.id = j.id
    returning d.id, claim.made
  )
  select array_agg(d.id) into v_claimed from decided d where d.made;

  return query
    select d.id, d.attempts, d.user_id, n.kind, n.platform_source, n.account_id, a.account_name, n.params, c.language,
      case
        when n.episode_id is not null then 'episode-' || n.episode_id
        when n.incident_id is not null then 'incident-' || n.incident_id
        when n.account_id is not null then 'account-' || left(replace(n.account_id::text, '-', ''), 24)
        else 'notification-' || n.id
      end,
      d.expires_at, v_now,
      case when b.id is not null then json_build_object('endpoint', b.endpoint, 'p256dh', b.p256dh, 'auth', b.auth) end,
      -- The run that it tells of, for the log: the one that found the episode, or that ended in the transaction which wrote it.
      coalesce(e.detected_by, (
        select max(r.id)
        from app_public.accounts o
        cross join lateral (
          select l.id, l.sync_completed_at
          from app_public.sync_logs l
          where l.account_id = o.id and l.user_id = o.user_id
          order by l.id desc
          limit 20
        ) r
        where o.user_id = n.user_id and o.platform_source = n.platform_source and o.id = coalesce(n.account_id, o.id)
          and r.sync_completed_at = n.created_at
      ))::text
    from app_private.deliveries d
    join app_public.notifications n on n.id = d.notification_id
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_public.accounts a on a.id = n.account_id
    left join app_private.auth_episodes e on e.id = n.episode_id and n.kind in ('reauth_required', 'reauth_reminder')
    left join app_public.push_subscriptions b on b.id = d.subscription_id
    where d.id = any (v_claimed);
end
$$;
