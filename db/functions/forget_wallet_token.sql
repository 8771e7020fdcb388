-- The provider refused this token. Only that very token is forgotten: a newer one that replaced it stays.
create or replace function app_private.forget_wallet_token(p_wallet_key text, p_sealed bytea) returns void
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  delete from app_private.wallet_tokens t where t.wallet_key = p_wallet_key and t.sealed = p_sealed;
$$;
