-- The shared token of a wallet, sealed, if it has at least ten minutes to live: an hour's token is renewed by whoever
-- asks first after fifty minutes, and is never found dead by a run that has just begun.
-- How long that is comes as seconds, because a worker may not read the clock.
create or replace function app_private.wallet_token(p_wallet_key text)
returns table (key_id text, sealed bytea, expires_in_seconds double precision)
language sql stable security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select t.key_id, t.sealed, extract(epoch from t.expires_at - app_private.clock())::double precision
  from app_private.wallet_tokens t
  where t.wallet_key = p_wallet_key and t.expires_at > app_private.clock() + interval '10 minutes';
$$;
