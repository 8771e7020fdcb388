-- Shares a new token. One that lives longer is kept: of two workers that asked at once, the later answer wins.
create or replace function app_private.store_wallet_token(
  p_wallet_key text, p_key_id text, p_sealed bytea, p_expires_at timestamptz
) returns void
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  insert into app_private.wallet_tokens as t (wallet_key, key_id, sealed, expires_at)
  values (p_wallet_key, p_key_id, p_sealed, p_expires_at)
  on conflict (wallet_key) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, expires_at = excluded.expires_at
  where t.expires_at <= excluded.expires_at;
$$;
