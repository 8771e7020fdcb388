-- Which account of this user a new link belongs to: the one with the same provider id, or else the same bank account behind
-- a new link (identity: keyed HMAC of institution, number and type), unlinked ones included. Null: a new one. Asked before
-- linking, because the credentials are sealed for the account's id.
--
-- Of two accounts with one identity neither is taken: a guess could put one account's history under another, while a double
-- can be seen, and undone by naming the account to go on with.
create or replace function app_private.match_link(
  p_user_id uuid, p_platform app_public.platform_source, p_external_id text, p_identity bytea
) returns uuid
language sql stable security definer -- linking runs as app_service or app_worker, which read no accounts
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    (array_agg(a.id) filter (where a.is_same))[1],
    case when count(*) = 1 then (array_agg(a.id))[1] end
  )
  from (
    select a.id, p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id) as is_same
    from app_public.accounts a
    join app_private.links l on l.account_id = a.id
    where a.user_id = p_user_id and a.platform_source = p_platform
      and (p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id) or l.identity_hmac = p_identity)
  ) a;
$$;
