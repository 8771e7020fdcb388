-- How many of one's own notifications are unread. Row level security decides whose they are.
create or replace function app_public.unread_notifications() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select count(*)::integer from app_public.notifications n
  where n.user_id = app_public.current_user_id() and n.read_at is null;
$$;
comment on function app_public.unread_notifications() is E'@notNull\nHow many notifications you have not read.';
