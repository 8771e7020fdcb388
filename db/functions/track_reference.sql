-- Follows a MoMo request of somebody's app until it is settled. Best called before the request is posted: a reference that
-- MoMo does not know yet is asked for again for a day. The same reference twice is one reference.
-- Raises NTFND for an unknown account, LNKNV for an account that is no MoMo wallet, REFTK where another account has it.
create or replace function app_private.track_reference(
  p_account_id uuid,
  p_reference_id uuid,
  p_operation text default 'requesttopay',
  p_requested_at timestamptz default null,
  p_base_url text default null,
  p_target_environment text default null
) returns boolean
language plpgsql security definer -- app_service and app_worker have no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_next_poll_at timestamptz;
  v record;
begin
  select a.platform_source, l.base_url, l.target_environment into v
  from app_public.accounts a
  join app_private.links l on l.account_id = a.id
  where a.id = p_account_id and a.unlinked_at is null;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if v.platform_source <> 'mtn_momo' or coalesce(p_base_url, v.base_url) is null then
    raise exception 'References can be tracked for MoMo wallets only.' using errcode = 'LNKNV';
  end if;
  v_next_poll_at := coalesce(p_requested_at, v_now) + app_private.reference_poll_delay(0);

  insert into app_private.tracked_references
    (reference_id, account_id, operation, base_url, target_environment, requested_at, next_poll_at)
  values (
    p_reference_id, p_account_id, p_operation, coalesce(p_base_url, v.base_url),
    coalesce(p_target_environment, v.target_environment), coalesce(p_requested_at, v_now), v_next_poll_at
  )
  on conflict (reference_id) do nothing;
  if not found then
    if not exists (
      select from app_private.tracked_references t where t.reference_id = p_reference_id and t.account_id = p_account_id
    ) then
      raise exception 'The reference is followed for another account.' using errcode = 'REFTK';
    end if;
    return false;
  end if;
  update app_private.sync_states s
  set next_sync_at = least(s.next_sync_at, v_next_poll_at)
  where s.account_id = p_account_id;
  return true;
end
$$;
