-- What finish_syncs and record_sync_failures share: locks the leases that are still held and answers whose they are. Whoever calls it
-- gives them back with the account's next due time, in one update: two would write the row and its index entries twice.
-- p_runs: [{"accountId", "runId", "epoch"}].
create or replace function app_private.lock_runs(p_runs json) returns uuid[]
language sql
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(held.account_id), '{}')
  from (
    select s.account_id
    from app_private.sync_states s
    join json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint, epoch integer)
      on r."accountId" = s.account_id and r."runId" = s.run_id and r.epoch = s.epoch
    where s.held_by is not null
    order by s.account_id
    for no key update of s
  ) held;
$$;
