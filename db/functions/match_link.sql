-- Which account of this user a new link belongs to: the one with the same provider id, or the same bank account behind a
-- new link (identity: keyed HMAC of institution, number and type). Null: a new one. Asked before linking, because the
-- credentials are sealed for the account's id.
create or replace function app_private.match_link(
  p_user_id uuid, p_platform app_public.platform_source, p_external_id text, p_identity bytea
) returns uuid
language sql stable security definer -- linking runs as app_service or app_worker, which read no accounts
set search_path = pg_catalog, pg_temp
as $$
  select a.id
  from app_public.accounts a
  join app_private.links l on l.account_id = a.id
  where a.user_id = p_user_id and a.platform_source = p_platform
    and (p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id) or l.identity_hmac = p_identity)
  order by (p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id)) desc, a.linked_at desc
  limit 1;
$$;
