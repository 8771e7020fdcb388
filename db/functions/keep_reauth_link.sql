-- Keeps the page at Mono that was just minted for an account, for whoever taps in the next minutes. Of two that were minted at
-- the same moment either does.
create or replace function app_private.keep_reauth_link(p_account_id uuid, p_key_id text, p_sealed bytea) returns void
language sql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
  insert into app_private.reauth_links as l (account_id, key_id, sealed, minted_at)
  values (p_account_id, p_key_id, p_sealed, app_private.clock())
  on conflict (account_id) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, minted_at = excluded.minted_at;
$$;
