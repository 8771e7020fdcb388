-- The account of this user that is linked under this very provider id now; null: none.
create or replace function app_private.standing_link(
  p_user_id uuid, p_platform app_public.platform_source, p_external_id text
) returns uuid
language sql stable security definer -- linking runs as app_service, which reads no accounts
set search_path = pg_catalog, pg_temp
as $$
  select a.id
  from app_public.accounts a
  where a.user_id = p_user_id and a.platform_source = p_platform and a.unlinked_at is null
    and p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id);
$$;
