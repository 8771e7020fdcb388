-- Stores the canary of a key that was never seen before. Answers false if one stands already: it is never replaced.
create or replace function app_private.put_key_check(p_key_id text, p_sealed bytea) returns boolean
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into app_private.key_checks (key_id, sealed) values (p_key_id, p_sealed) on conflict (key_id) do nothing;
  return found;
end
$$;
