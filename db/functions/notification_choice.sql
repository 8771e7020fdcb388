-- How a user wants to be told, with what holds where nothing was chosen. Quiet from 22:00 to 07:00 is among that: most
-- accounts are synced at night, and nobody wants to be woken by a bank. The zone is the chosen one, else that of the hour of
-- syncing, else that of the account linked first.
create or replace function app_private.notification_choice(p_user_id uuid)
returns table (
  language app_public.notification_language, time_zone text, quiet_hours boolean, quiet_from time, quiet_to time,
  paused boolean, tell_recovery boolean
)
language sql stable
rows 1
set search_path = pg_catalog, pg_temp
as $$
  select
    coalesce(c.language, 'en'),
    coalesce(
      c.time_zone,
      (select s.time_zone from app_public.sync_settings s
       where s.user_id = p_user_id and s.time_zone is not null order by s.platform_source limit 1),
      (select l.time_zone from app_public.accounts a join app_private.links l on l.account_id = a.id
       where a.user_id = p_user_id order by a.unlinked_at is not null, a.linked_at, a.id limit 1),
      'UTC'
    ),
    coalesce(c.quiet_hours, true),
    coalesce(c.quiet_from, '22:00'),
    coalesce(c.quiet_to, '07:00'),
    coalesce(c.paused, false),
    coalesce(c.tell_recovery, false)
  from (select) as always
  left join app_public.notification_settings c on c.user_id = p_user_id;
$$;
