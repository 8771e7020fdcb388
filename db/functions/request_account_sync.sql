-- A backend asks for a sync of one account: judged as a user's Sync now is. Raises NTFND for an account that is unknown or
-- unlinked.
create or replace function app_private.request_account_sync(p_account_id uuid)
returns table (platform_source app_public.platform_source, outcome app_public.sync_request_outcome, until timestamptz)
language plpgsql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_answer app_public.sync_request := app_private.queue_sync(p_account_id, 'backend');
begin
  if v_answer is null then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  return query
    select a.platform_source, v_answer.outcome, v_answer.until from app_public.accounts a where a.id = p_account_id;
end
$$;
