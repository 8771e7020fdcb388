-- Runs began, saved something, or ended.
create or replace function app_private.tg_sync_logs__announce() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.announce('runs', (select array_agg(jsonb_build_array(c.account_id, c.user_id, c.id::text)) from changed c));
  return null;
end
$$;
