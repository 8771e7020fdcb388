-- All that is stored of oneself: export_user() for the caller. Raises NTFND for nobody.
create or replace function app_public.export_my_data() returns json
language plpgsql stable security definer -- as export_user
set search_path = pg_catalog, pg_temp
as $$
begin
  if app_public.current_user_id() is null then
    raise exception 'There is nobody to tell about.' using errcode = 'NTFND';
  end if;
  return app_private.export_user(app_public.current_user_id());
end
$$;
comment on function app_public.export_my_data() is
  'Everything that is stored of you, as one JSON document: accounts, transactions with their earlier versions, sync logs, settings, notifications.';
