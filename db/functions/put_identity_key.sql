-- Stores the sealed identity key: when there is none (p_old_sealed null), or in place of just these bytes, for the same key
-- sealed anew. Answers false where that is not what stands: it is never replaced by another.
create or replace function app_private.put_identity_key(p_key_id text, p_sealed bytea, p_old_sealed bytea default null)
returns boolean
language plpgsql security definer -- app_worker and app_service have no table grants
set search_path = pg_catalog, pg_temp
as $$
begin
  if p_old_sealed is null then
    insert into app_private.identity_keys (key_id, sealed) values (p_key_id, p_sealed) on conflict do nothing;
  else
    update app_private.identity_keys k set key_id = p_key_id, sealed = p_sealed where k.sealed = p_old_sealed;
  end if;
  return found;
end
$$;
