-- Marks notifications of one's own as read: those of the list, or all without one. Answers the ones that were unread.
create or replace function app_public.mark_notifications_read(ids bigint[] default null) returns setof app_public.notifications
language sql security definer -- visitors update no notification themselves
set search_path = pg_catalog, pg_temp
as $$
  update app_public.notifications n
  set read_at = app_private.clock()
  where n.user_id = app_public.current_user_id() and n.read_at is null
    and (mark_notifications_read.ids is null or n.id = any (mark_notifications_read.ids))
  returning n.*;
$$;
comment on function app_public.mark_notifications_read(bigint[]) is
  E'@param ids Which notifications; all of yours without it.\n'
  '@result Those that were unread.\n'
  'Marks notifications as read and answers those that were not yet.';
