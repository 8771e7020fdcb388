-- What a link to `/{account}/reauth` leads to: whose account it is, where it stands, and the page at Mono that was minted for it
-- within the last three minutes, if there is one. (Mono documents no life of such a page; "minutes", say its clients.)
-- standing: needs_you while its episode is open, else connected; unlinked. No row for an account that is unknown.
create or replace function app_private.reauth_target(p_account_id uuid) returns table (
  user_id uuid, platform_source app_public.platform_source, mono_account_id text, standing text, now timestamptz,
  key_id text, sealed bytea
)
language sql stable security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select a.user_id, a.platform_source, a.mono_account_id,
    case
      when a.unlinked_at is not null then 'unlinked'
      when a.sync_status = 'auth_required' then 'needs_you'
      else 'connected'
    end,
    app_private.clock(), l.key_id, l.sealed
  from app_public.accounts a
  left join app_private.reauth_links l on l.account_id = a.id and l.minted_at > app_private.clock() - interval '3 minutes'
  where a.id = p_account_id;
$$;
