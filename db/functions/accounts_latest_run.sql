-- The account's latest run, open or ended. Row level security decides who sees it.
create or replace function app_public.accounts_latest_run(account app_public.accounts) returns app_public.sync_logs
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select l.* from app_public.sync_logs l
  where l.account_id = account.id and l.user_id = account.user_id
  order by l.id desc
  limit 1;
$$;
comment on function app_public.accounts_latest_run(app_public.accounts) is 'The latest run of this account, open or ended.';
