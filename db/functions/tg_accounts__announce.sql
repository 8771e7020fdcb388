-- Accounts were linked, changed or deleted.
create or replace function app_private.tg_accounts__announce() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.announce('accounts', (select array_agg(jsonb_build_array(c.id, c.user_id)) from changed c));
  return null;
end
$$;
