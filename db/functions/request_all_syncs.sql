-- "Sync all": request_sync() for each of one's own accounts, each answered for itself. The same key within 24 hours gets
-- the same answers. Raises KEYNV for a key that is too short or too long.
create or replace function app_public.request_all_syncs(idempotency_key text) returns setof app_public.account_sync_request
language plpgsql security definer -- as request_sync
set search_path = pg_catalog, pg_temp
as $$
declare
  v_account_id uuid;
begin
  -- Room for the account's id, which makes each account's key.
  if length(coalesce(request_all_syncs.idempotency_key, '')) not between 8 and 160 then
    raise exception 'An idempotency key for all accounts has 8 to 160 characters.' using errcode = 'KEYNV';
  end if;
  for v_account_id in
    select a.id from app_public.accounts a
    where a.user_id = app_public.current_user_id() and a.unlinked_at is null
    order by a.id
  loop
    return query
      select v_account_id, r.outcome, r.until
      from app_public.request_sync(v_account_id, request_all_syncs.idempotency_key || ':' || v_account_id) r;
  end loop;
end
$$;
comment on function app_public.request_all_syncs(text) is
  E'@param idempotencyKey 8 to 160 characters of your choice; the same key within 24 hours gets the same answers.\n'
  '@result What became of each account.\n'
  'Asks for a sync of all your accounts now; each answers for itself.';
