-- The provider has confirmed, or has nothing to confirm. p_confirmed: [{"id", "externalIdHmac" (base64)}]. Answers for each:
--
--   dropped  the account's secrets are gone
--   kept     the account was linked anew meanwhile, or another of its unlinkings is open: its secrets are not this one's
--   stale    was done before
--
-- A wallet's tokens are shared by all who linked that wallet: they go with the last of them.
create or replace function app_private.confirm_unlinkings(p_confirmed json) returns table (id bigint, outcome text)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_confirmed bigint[];
  v_dropped uuid[];
begin
  perform
  from app_private.sync_states s
  where s.account_id in (
    select u.account_id
    from app_private.unlinkings u
    join json_to_recordset(p_confirmed) as c (id bigint) on c.id = u.id
  )
  order by s.account_id
  for no key update;

  with done as (
    update app_private.unlinkings u
    set state = 'done', confirmed_at = v_now, next_try_at = null, last_failure_kind = null, last_failure = null
    from json_to_recordset(p_confirmed) as c (id bigint, "externalIdHmac" text)
    where u.id = c.id and u.state = 'open'
    returning u.id, u.platform_source, decode(c."externalIdHmac", 'base64') as external_id_hmac
  ),
  buried as (
    insert into app_private.tombstones (platform_source, external_id_hmac, unlinked_at)
    select d.platform_source, d.external_id_hmac, v_now
    from done d
    join app_private.platforms p on p.platform_source = d.platform_source and p.unlinks_for_good
    on conflict do nothing
  )
  select coalesce(array_agg(d.id), '{}') into v_confirmed from done d;

  v_dropped := array(
    select distinct a.id
    from app_private.unlinkings u
    join app_public.accounts a on a.id = u.account_id
    where u.id = any (v_confirmed) and a.unlinked_at is not null
      and not exists (select from app_private.unlinkings o where o.account_id = a.id and o.state = 'open')
  );
  delete from app_private.credentials c where c.account_id = any (v_dropped);
  -- Its key is "platform base-url environment api-user purpose".
  delete from app_private.wallet_tokens t
  using app_public.accounts a
  where a.id = any (v_dropped) and a.mtn_reference_id is not null
    and split_part(t.wallet_key, ' ', 1) = a.platform_source::text and split_part(t.wallet_key, ' ', 4) = a.mtn_reference_id
    and not exists (
      select from app_public.accounts o where o.mtn_reference_id = a.mtn_reference_id and o.unlinked_at is null
    );
  update app_private.sync_states s set provider_state = '{}' where s.account_id = any (v_dropped);
  update app_private.unlinkings u
  set secrets_dropped_at = v_now
  where u.account_id = any (v_dropped) and u.secrets_dropped_at is null;

  return query
    select c.id, case
      when u.id is null or c.id <> all (v_confirmed) then 'stale'
      when u.account_id = any (v_dropped) then 'dropped'
      else 'kept'
    end
    from json_to_recordset(p_confirmed) as c (id bigint)
    left join app_private.unlinkings u on u.id = c.id;
end
$$;
