-- Stores re-sealed credentials. p_rows: [{"account_id", "kind", "old_key_id", "old_sealed", "key_id", "sealed"}], sealed values
-- in base64. A row that somebody stored anew in the meantime is left alone (compare and swap). Answers how many changed.
create or replace function app_private.reseal_credentials(p_rows json) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_count integer;
begin
  update app_private.credentials c
  set key_id = r.key_id, sealed = decode(r.sealed, 'base64'), updated_at = now()
  from json_to_recordset(p_rows) as r (account_id uuid, kind text, old_key_id text, old_sealed text, key_id text, sealed text)
  where c.account_id = r.account_id and c.kind = r.kind and c.key_id = r.old_key_id
    and c.sealed = decode(r.old_sealed, 'base64');
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
