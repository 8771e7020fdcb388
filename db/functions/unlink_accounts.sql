-- A backend unlinks accounts, or an operator does in psql. Answers an account: unlinked, was_unlinked (nothing changed) or
-- not_found. The link ends at once; the provider is told by the task unlink_account until it confirms, and only then the
-- secrets are dropped. Transactions stay: erase_user forgets them.
create or replace function app_private.unlink_accounts(p_account_ids uuid[])
returns table (account_id uuid, outcome text)
language plpgsql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_ended uuid[] := app_private.end_links(p_account_ids, 'backend');
begin
  perform app_private.ensure_job('unlink_account', json_build_object('accountId', e.id), 'unlink:' || e.id)
  from unnest(v_ended) as e (id);
  return query
    select r.id, case when r.id = any (v_ended) then 'unlinked' when a.id is not null then 'was_unlinked' else 'not_found' end
    from (select distinct unnest(p_account_ids) as id) r
    left join app_public.accounts a on a.id = r.id
    order by r.id;
end
$$;
