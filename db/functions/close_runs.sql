-- What finish_syncs and record_sync_failures share: gives back the leases that are still held and answers which those
-- were. p_runs: [{"accountId", "runId", "epoch", "state"?}].
create or replace function app_private.close_runs(p_runs json) returns uuid[]
language sql
set search_path = pg_catalog, pg_temp
as $$
  with runs as (
    select *
    from json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint, epoch integer, state jsonb)
    order by r."accountId"
  ),
  locked as (
    select s.account_id, r.state
    from app_private.sync_states s
    join runs r on r."accountId" = s.account_id and r."runId" = s.run_id and r.epoch = s.epoch
    where s.held_by is not null
    order by s.account_id
    for no key update of s
  ),
  closed as (
    update app_private.sync_states s
    set run_id = null, held_by = null, enqueued_until = null, provider_state = coalesce(l.state, s.provider_state)
    from locked l
    where s.account_id = l.account_id
    returning s.account_id
  )
  select coalesce(array_agg(account_id), '{}') from closed;
$$;
