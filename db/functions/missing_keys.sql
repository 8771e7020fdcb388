-- The keys that sealed something here and are not in p_key_ids, with how much each of them sealed: what a process with only
-- those keys could never open. Wallet tokens and minted pages do not count: one that does not open is made anew.
create or replace function app_private.missing_keys(p_key_ids text[]) returns table (key_id text, sealed_count integer)
language sql stable security definer -- app_worker and app_service have no table grants
set search_path = pg_catalog, pg_temp
as $$
  with recursive sealing (key_id) as (
    -- One step along credentials_key_id_idx a key: `distinct` would read the entry of each credential at every start.
    (select c.key_id from app_private.credentials c order by c.key_id limit 1)
    union all
    select (select c.key_id from app_private.credentials c where c.key_id > s.key_id order by c.key_id limit 1)
    from sealing s
    where s.key_id is not null
  ),
  missing as (
    select s.key_id, (select count(*) from app_private.credentials c where c.key_id = s.key_id) as sealed_count
    from sealing s
    where s.key_id is not null and s.key_id <> all (p_key_ids)
    union all
    select k.key_id, 1 from app_private.identity_keys k where k.key_id <> all (p_key_ids)
  )
  select m.key_id, sum(m.sealed_count)::integer from missing m group by m.key_id order by m.key_id;
$$;
