-- What OneSignal is to know of a user now: for each platform whose pushes go there, that an account needs its owner, or keeps
-- failing, or that all are well; null where there are no accounts, or no pushes wanted. Answers nothing when it knows already.
-- Claims for five minutes: should nobody tell how it went (record_tag_mirror), it is due again.
create or replace function app_private.begin_tag_mirror(p_user_id uuid)
returns table (version integer, mono app_public.sync_status, mtn_momo app_public.sync_status, now timestamptz)
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  with claimed as (
    update app_private.tag_mirrors m
    set attempts = m.attempts + 1, next_attempt_at = app_private.clock() + interval '5 minutes'
    where m.user_id = p_user_id and m.next_attempt_at <= app_private.clock()
    returning m.version
  ),
  states as (
    select a.platform_source,
      case
        when bool_or(a.sync_status = 'auth_required') then 'auth_required'::app_public.sync_status
        when bool_or(a.sync_status = 'error') then 'error'
        else 'active'
      end as state
    from app_public.accounts a
    left join app_public.sync_settings s on s.user_id = a.user_id and s.platform_source = a.platform_source
    left join app_public.notification_channels w
      on w.user_id = a.user_id and w.platform_source = a.platform_source and w.channel = 'onesignal'
    where a.user_id = p_user_id and a.unlinked_at is null
      and coalesce(s.notifications_enabled, true) and coalesce(w.enabled, true)
    group by a.platform_source
  )
  select c.version,
    (select state from states where platform_source = 'mono'),
    (select state from states where platform_source = 'mtn_momo'),
    app_private.clock()
  from claimed c;
$$;
