-- A provider refused the key of the wallet whose run this is. Answers the key that stands now, which somebody may have
-- renewed meanwhile, and whether the caller (p_holder) is to make a new one:
--
--   claimed   yes, for every account in account_ids; it has two minutes for that, and then store_renewed_key or
--             release_key_renewal. A worker that dies in between holds up nobody for longer
--   busy      another worker does so at this moment
--   unproven  no: this key never worked here. Whoever enters the id of somebody else's wallet gets no key for it
--   renewed   no: it was renewed within the last day and is refused again, so that somebody else renews it as well. The
--             owner has to say whose it is
--   lost      no: the lease is held by somebody else
--
-- account_ids are all links of that wallet whose key worked: with the new key the old one ends for each of them.
create or replace function app_private.claim_key_renewal(p_account_id uuid, p_run_id bigint, p_epoch integer, p_holder uuid)
returns table (
  outcome text, external_id text, key_id text, sealed bytea, account_ids uuid[], has_open_references boolean
)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_outcome text := 'claimed';
  v_proven uuid[];
  v_renewed_at timestamptz;
  v_busy boolean;
begin
  perform
  from app_private.links l
  join app_public.accounts a on a.id = l.account_id
  join app_public.accounts mine on mine.id = p_account_id and mine.mtn_reference_id = a.mtn_reference_id
  order by l.account_id
  for no key update of l;

  select
    array_agg(l.account_id order by l.account_id) filter (where a.last_synced_at >= a.linked_at and a.unlinked_at is null),
    max(l.key_renewed_at),
    coalesce(bool_or(l.key_renewal_until > v_now and l.key_renewal <> p_holder), false)
  into v_proven, v_renewed_at, v_busy
  from app_public.accounts mine
  join app_private.links own on own.account_id = mine.id
  join app_public.accounts a on a.mtn_reference_id = mine.mtn_reference_id
  join app_private.links l on l.account_id = a.id
    and l.base_url is not distinct from own.base_url and l.target_environment is not distinct from own.target_environment
  where mine.id = p_account_id;

  if not exists (
    select from app_private.sync_states s
    where s.account_id = p_account_id and s.run_id = p_run_id and s.epoch = p_epoch and s.held_by is not null
  ) then
    v_outcome := 'lost';
  elsif not coalesce(p_account_id = any (v_proven), false) then
    v_outcome := 'unproven';
  elsif v_busy then
    v_outcome := 'busy';
  elsif v_renewed_at > v_now - interval '1 day' then
    v_outcome := 'renewed';
  else
    update app_private.links l
    set key_renewal = p_holder, key_renewal_until = v_now + interval '2 minutes'
    where l.account_id = any (v_proven);
  end if;

  return query
    select v_outcome, a.mtn_reference_id, c.key_id, c.sealed, coalesce(v_proven, '{}'), exists (
      select from app_private.tracked_references t where t.account_id = any (v_proven) and t.outcome = 'open'
    )
    from app_public.accounts a
    left join app_private.credentials c on c.account_id = a.id and c.kind = 'momo_api_key'
    where a.id = p_account_id;
end
$$;
