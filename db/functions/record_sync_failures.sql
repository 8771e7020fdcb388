-- Closes runs that failed. p_failures: [{"accountId", "runId", "epoch", "state"?, "kind", "message", "code"?, "retryAt"?,
--   "log": as for finish_syncs}]. Answers ok or lost an account; a lost lease changes nothing.
--
-- failure_policy() says what each kind means. Some reach beyond their account: auth_required opens an episode, which is told to the owner,
-- as is a failure of another kind that lasts; rate_limited teaches the quota; transient and provider_down are told to the breakers; and configuration (a key of *ours* is wrong) pauses the platform for five minutes, after which one sync may try again;
-- no user's account is blamed for it. last_synced_at is never touched here.
create or replace function app_private.record_sync_failures(p_failures json) returns table (account_id uuid, outcome text)
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
  v_held uuid[] := app_private.lock_runs(p_failures);
begin
  with failed as (
    select f.*, p.*
    from json_to_recordset(p_failures) as f (
      "accountId" uuid, "runId" bigint, state jsonb, kind app_public.failure_kind, message text, code text, "retryAt" timestamptz, log json
    )
    cross join lateral app_private.failure_policy(f.kind) p
    where f."accountId" = any (v_held)
  ),
  scheduled as (
    update app_private.sync_states s
    set run_id = null,
      held_by = null,
      enqueued_until = null,
      provider_state = coalesce(f.state, s.provider_state),
      failures = s.failures + f.counts::integer,
      last_failure_kind = f.kind,
      -- A link that needs its owner is told as such, and a key of ours that is wrong is told to no user: each begins anew
      -- what lasts.
      failing_since = case
        when f.tells in ('owner', 'operator') then null
        when f.tells = 'owner_in_time' then coalesce(s.failing_since, v_now)
        else s.failing_since
      end,
      failing_told_at = case when f.tells <> 'owner' then s.failing_told_at end,
      next_sync_at = case f.retry
        when 'backoff' then greatest(
          v_now + app_private.retry_delay(s.failures + f.counts::integer, s.account_id),
          -- A provider that asks for a year means something else. (least() would take a null for "no wish" as "a day".)
          case when f."retryAt" is not null then least(f."retryAt", v_now + interval '1 day') end)
        when 'interval' then app_private.schedule(s.account_id, v_now)
        else v_now
      end
    from failed f
    where s.account_id = f."accountId"
    returning s.account_id, s.next_sync_at, s.failures
  ),
  logged as (
    update app_public.sync_logs l
    set status = f.log_status,
      failure_kind = f.kind,
      error_message = left(f.message, 300),
      platform_specific_error = left(f.code, 200),
      sync_completed_at = v_now,
      pages = coalesce((f.log ->> 'pages')::integer, l.pages),
      seen_count = coalesce((f.log ->> 'seen')::integer, 0),
      unchanged_count = coalesce((f.log ->> 'unchanged')::integer, 0),
      refused_count = coalesce((select sum(n.value::integer) from json_each_text(f.log -> 'refusals') n), 0),
      refusals = nullif((f.log -> 'refusals')::jsonb, '{}'),
      windows = nullif((f.log -> 'windows')::jsonb, '[]'),
      requests = coalesce((f.log ->> 'requests')::integer, 0),
      next_sync_at = s.next_sync_at
    from failed f
    join scheduled s on s.account_id = f."accountId"
    where l.id = f."runId"
    returning l.id, l.account_id, l.sync_started_at
  ),
  paused as (
    update app_private.platforms p
    set paused_until = v_now + interval '5 minutes', paused_reason = 'configuration: ' || left(f.message, 200)
    from (
      select distinct on (s.platform_source) s.platform_source, f.message
      from failed f
      join app_private.sync_states s on s.account_id = f."accountId"
      where f.tells = 'operator'
    ) f
    where p.platform_source = f.platform_source
      -- An operator's own, longer pause stands.
      and (p.paused_until is null or p.paused_until < v_now + interval '5 minutes')
  )
  update app_public.accounts a
  set last_sync_attempt = l.sync_started_at,
    sync_status = coalesce(
      f.sync_status,
      case when f.counts and s.failures >= 3 and a.sync_status = 'active' then 'error' else a.sync_status end
    )
  from failed f
  join logged l on l.account_id = f."accountId"
  join scheduled s on s.account_id = f."accountId"
  where a.id = f."accountId";

  perform app_private.open_episodes(coalesce((
    select json_agg(json_build_object('accountId', f."accountId", 'runId', f."runId"))
    from json_to_recordset(p_failures) as f ("accountId" uuid, "runId" bigint, kind app_public.failure_kind)
    cross join lateral app_private.failure_policy(f.kind) p
    where f."accountId" = any (v_held) and p.tells = 'owner'
  ), '[]'));
  perform app_private.trip_breakers(coalesce((
    select json_agg(json_build_object('accountId', f."accountId", 'kind', f.kind))
    from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind)
    where f."accountId" = any (v_held) and f.kind in ('transient', 'provider_down')
  ), '[]'));
  perform app_private.tell_episodes(v_held);
  perform app_private.tell_failing(v_held);
  perform app_private.teach_quota(s.platform_source, max(f."retryAt") - v_now)
  from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind, "retryAt" timestamptz)
  join app_private.sync_states s on s.account_id = f."accountId"
  where f."accountId" = any (v_held) and f.kind = 'rate_limited'
  group by s.platform_source;

  return query
    select r."accountId", case when r."accountId" = any (v_held) then 'ok' else 'lost' end
    from json_to_recordset(p_failures) as r ("accountId" uuid);
end
$$;
