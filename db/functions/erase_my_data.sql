-- A person asks to be forgotten: erase_user() for oneself. Answers the receipt. Raises NTFND for nobody.
create or replace function app_public.erase_my_data() returns uuid
language plpgsql security definer -- visitors delete nothing themselves
set search_path = pg_catalog, pg_temp
as $$
begin
  if app_public.current_user_id() is null then
    raise exception 'There is nobody to forget.' using errcode = 'NTFND';
  end if;
  return app_private.erase_user(app_public.current_user_id());
end
$$;
comment on function app_public.erase_my_data() is
  'Forgets you: unlinks all your accounts now, and deletes everything that is stored of you as soon as their providers have confirmed. Answers a receipt. Cannot be taken back.';
