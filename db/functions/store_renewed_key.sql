-- Stores the new key of a wallet in the place of the old one, for every account that p_holder claimed and nobody took over
-- since: one statement forgets the old and has the new. p_keys: [{"accountId", "keyId", "sealed" (base64)}]. p_external_id: the
-- API user that the key belongs to, a new one where the old could not be kept. Answers for how many accounts it was stored;
-- none means that the claim was lost, and whoever has it makes another key.
create or replace function app_private.store_renewed_key(p_holder uuid, p_keys json, p_external_id text) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_held uuid[];
begin
  select array_agg(held.account_id) into v_held
  from (
    select l.account_id from app_private.links l where l.key_renewal = p_holder order by l.account_id for no key update
  ) held;

  update app_private.credentials c
  set key_id = k."keyId", sealed = decode(k.sealed, 'base64'), updated_at = now()
  from json_to_recordset(p_keys) as k ("accountId" uuid, "keyId" text, sealed text)
  where c.account_id = k."accountId" and c.kind = 'momo_api_key' and c.account_id = any (v_held);
  update app_public.accounts a
  set mtn_reference_id = p_external_id
  where a.id = any (v_held) and a.mtn_reference_id <> p_external_id;
  update app_private.links l
  set key_renewal = null, key_renewal_until = null, key_renewed_at = app_private.clock()
  where l.account_id = any (v_held);
  return coalesce(cardinality(v_held), 0);
end
$$;
