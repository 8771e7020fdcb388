-- "Disconnect": unlinks one's own account, as unlink_accounts says. Answers the account, also when it was unlinked before.
-- Raises NTFND for an account that is not the caller's.
create or replace function app_public.unlink_account(account_id uuid) returns app_public.accounts
language plpgsql security definer -- visitors change no account themselves and may add no job
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account app_public.accounts;
begin
  perform
  from app_public.accounts a
  where a.id = unlink_account.account_id and a.user_id = app_public.current_user_id();
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if cardinality(app_private.end_links(array[unlink_account.account_id], 'owner')) > 0 then
    perform app_private.ensure_job(
      'unlink_account', json_build_object('accountId', unlink_account.account_id), 'unlink:' || unlink_account.account_id
    );
  end if;
  select * into v_account from app_public.accounts a where a.id = unlink_account.account_id;
  return v_account;
end
$$;
comment on function app_public.unlink_account(uuid) is
  E'@param accountId The account to unlink.\n'
  'Unlinks one of your accounts: nothing is read from it any more. Transactions that are stored stay.';
