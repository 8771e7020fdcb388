-- Closes runs that succeeded. p_runs: [{"accountId", "runId", "epoch", "state"?, "dataAsOf"?,
--   "balance"?, "balanceAsOf"?, "log": {"pages", "seen", "unchanged", "refusals": {reason: n}, "windows": […], "requests"}}]
-- Answers ok or lost an account; a lost lease changes nothing.
--
-- Success clears what earlier failures left: the count, sync_status, an open episode, what breakers counted. The next sync
-- follows from schedule(), or comes earlier while a tracked reference is open. One that says nothing of the consent
-- (still_need_owner) leaves the account with its owner, and is followed by one that does.
create or replace function app_private.finish_syncs(p_runs json) returns table (account_id uuid, outcome text)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan -- ARCHITECTURE, "Plans of verbs"
set enable_seqscan = off
set jit = off
set enable_hashjoin = off
set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_held uuid[] := app_private.lock_runs(p_runs);
  v_waiting uuid[] := app_private.still_need_owner(p_runs);
begin
  with runs as (
    select r.*
    from json_to_recordset(p_runs) as r (
      "accountId" uuid, "runId" bigint, state jsonb, "dataAsOf" timestamptz, balance numeric, "balanceAsOf" timestamptz, log json
    )
    where r."accountId" = any (v_held)
  ),
  active as (
    select r."accountId" as account_id, r.state, (
      select count(*)::smallint
      from (
        select from app_public.transactions t
        where t.account_id = r."accountId" and t.user_id = a.user_id and t.status <> 'removed'
          and t.occurred_on > (v_now at time zone 'utc')::date - 28
        limit 12
      ) recent
    ) as activity
    from runs r
    join app_public.accounts a on a.id = r."accountId"
  ),
  scheduled as (
    update app_private.sync_states s
    set run_id = null,
      held_by = null,
      enqueued_until = null,
      provider_state = coalesce(n.state, s.provider_state),
      failures = 0,
      last_failure_kind = case when s.account_id = any (v_waiting) then s.last_failure_kind end,
      failing_since = null,
      failing_told_at = null,
      activity = n.activity,
      next_sync_at = least(
        app_private.schedule(s.account_id, v_now, n.activity),
        (select min(t.next_poll_at) from app_private.tracked_references t where t.account_id = s.account_id),
        case when s.account_id = any (v_waiting) then v_now + interval '10 minutes' end
      )
    from active n
    where s.account_id = n.account_id
    returning s.account_id, s.next_sync_at
  ),
  logged as (
    update app_public.sync_logs l
    set status = 'success',
      sync_completed_at = v_now,
      pages = (r.log ->> 'pages')::integer,
      seen_count = (r.log ->> 'seen')::integer,
      unchanged_count = (r.log ->> 'unchanged')::integer,
      refused_count = coalesce((select sum(n.value::integer) from json_each_text(r.log -> 'refusals') n), 0),
      refusals = nullif((r.log -> 'refusals')::jsonb, '{}'),
      windows = nullif((r.log -> 'windows')::jsonb, '[]'),
      requests = (r.log ->> 'requests')::integer,
      next_sync_at = s.next_sync_at
    from runs r
    join scheduled s on s.account_id = r."accountId"
    where l.id = r."runId"
    returning l.account_id, l.sync_started_at
  )
  update app_public.accounts a
  set last_synced_at = v_now,
    last_sync_attempt = l.sync_started_at,
    sync_status = case when a.id = any (v_waiting) then a.sync_status else 'active' end,
    data_as_of = coalesce(r."dataAsOf", a.data_as_of),
    balance = coalesce(r.balance, a.balance),
    balance_as_of = case when r.balance is null then a.balance_as_of else r."balanceAsOf" end,
    coverage_through = (
      select min(coalesce((
        select upper(range) - 1 from unnest(c.settled) range where range @> c.history_start
      ), c.history_start - 1))
      from app_private.coverage c
      join app_private.sources so on so.source = c.source and so.has_windows
      where c.account_id = a.id
    )
  from runs r
  join logged l on l.account_id = r."accountId"
  where a.id = r."accountId";

  perform app_private.close_episodes(array(select unnest(v_held) except select unnest(v_waiting)), 'sync');
  perform app_private.reset_breakers(v_held);

  return query
    select r."accountId", case when r."accountId" = any (v_held) then 'ok' else 'lost' end
    from json_to_recordset(p_runs) as r ("accountId" uuid);
end
$$;
