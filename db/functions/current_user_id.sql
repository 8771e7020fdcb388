-- Whose request this is: set by the server for each request from a verified token. Null: nobody.
create or replace function app_public.current_user_id() returns uuid
language sql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select nullif(current_setting('tidemark.user_id', true), '')::uuid;
$$;
comment on function app_public.current_user_id() is 'The user of this request, or null.';
