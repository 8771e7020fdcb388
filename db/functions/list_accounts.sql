-- A page of linked accounts for a backend, by id: of one user, or of all; of one platform, or of both.
create or replace function app_private.list_accounts(
  p_user_id uuid default null,
  p_platform app_public.platform_source default null,
  p_after uuid default null,
  p_limit integer default 50
) returns table (
  id uuid, user_id uuid, account_name text, account_type app_public.account_type, balance numeric, currency text,
  balance_as_of timestamptz, mono_account_id text, mtn_reference_id text, institution text, last_synced_at timestamptz,
  sync_status app_public.sync_status, last_sync_attempt timestamptz, platform_source app_public.platform_source,
  platform_label text, is_syncing boolean, next_sync_at timestamptz, data_as_of timestamptz, coverage_through date,
  linked_at timestamptz
)
language plpgsql stable security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_ids uuid[];
begin
  -- Two statements: one plan for both would read everybody's accounts to find one user's.
  if p_user_id is null then
    v_ids := array(
      select a.id
      from app_public.accounts a
      where a.unlinked_at is null and (p_platform is null or a.platform_source = p_platform) and (p_after is null or a.id > p_after)
      order by a.id
      limit p_limit
    );
  else
    v_ids := array(
      select a.id
      from app_public.accounts a
      where a.user_id = p_user_id and a.unlinked_at is null and (p_platform is null or a.platform_source = p_platform)
        and (p_after is null or a.id > p_after)
      order by a.id
      limit p_limit
    );
  end if;
  return query
    select a.id, a.user_id, a.account_name, a.account_type, a.balance, a.currency, a.balance_as_of, a.mono_account_id,
      a.mtn_reference_id, a.institution, a.last_synced_at, a.sync_status, a.last_sync_attempt, a.platform_source, p.label,
      s.run_id is not null, s.next_sync_at, a.data_as_of, a.coverage_through, a.linked_at
    from app_public.accounts a
    join app_private.sync_states s on s.account_id = a.id
    join app_private.platforms p on p.platform_source = a.platform_source
    where a.id = any (v_ids)
    order by a.id;
end
$$;
