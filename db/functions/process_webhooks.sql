-- Judges what waits in the inbox, oldest first and at most p_limit, and does what follows; answers how many. Nothing here
-- writes a transaction or creates an account: a webhook can ask for a sync, wake one that waits, or say that the owner is
-- needed.
create or replace function app_private.process_webhooks(p_limit integer default 500) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_ids bigint[];
  v_id bigint;
begin
  select array_agg(id order by id) into v_ids
  from (
    select w.id
    from app_private.webhooks w
    where w.outcome is null
    order by w.id
    limit p_limit
    for no key update skip locked
  ) waiting;
  if v_ids is null then
    return 0;
  end if;

  update app_private.webhooks w
  set account_id = case w.platform_source
    when 'mono' then (select a.id from app_public.accounts a where a.mono_account_id = w.provider_account_id)
    else (select t.account_id from app_private.tracked_references t where t.reference_id = w.reference_id)
  end
  where w.id = any (v_ids) and w.account_id is null;

  -- All leases at once and in order: one by one, in the order of arrival, could meet a closing run in a circle.
  perform
  from app_private.sync_states s
  where s.account_id in (select w.account_id from app_private.webhooks w where w.id = any (v_ids))
  order by s.account_id
  for no key update;

  -- One after another, since each may change what the next one finds.
  foreach v_id in array v_ids loop
    update app_private.webhooks w
    set outcome = app_private.judge_webhook(v_id),
      processed_at = app_private.clock()
    where w.id = v_id;
  end loop;
  return cardinality(v_ids);
end
$$;
