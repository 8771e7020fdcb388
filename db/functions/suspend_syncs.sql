-- Lets go of runs that wait for their provider: the run stays open with no holder, so that it survives the death of the
-- worker that began it and holds no worker's slot. p_runs: [{"accountId", "runId", "epoch", "until", "state"}].
-- The dispatcher resumes it when its moment has come; a wait of under a minute gets a job of its own, since run_at is
-- machine time and only longer waits must follow the business clock.
create or replace function app_private.suspend_syncs(p_runs json) returns table (account_id uuid, outcome text)
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
  v_suspended jsonb;
  v_specs graphile_worker.job_spec[];
begin
  with runs as (
    select *
    from json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint, epoch integer, until timestamptz, state jsonb)
  ),
  let_go as (
    update app_private.sync_states s
    set held_by = null, next_sync_at = r.until, enqueued_until = null, provider_state = r.state
    from runs r
    where s.account_id = r."accountId" and s.run_id = r."runId" and s.epoch = r.epoch and s.held_by is not null
    returning s.account_id, s.run_id, s.platform_source, r.until
  )
  select
    jsonb_object_agg(g.account_id, true),
    array_agg((
      p.task_identifier,
      json_build_object('accountId', g.account_id, 'runId', g.run_id::text),
      null, now() + (g.until - v_now), 3, 'sync:' || g.account_id, 0, null
    )::graphile_worker.job_spec) filter (where g.until < v_now + interval '1 minute')
  into v_suspended, v_specs
  from let_go g
  join app_private.platforms p on p.platform_source = g.platform_source;

  if v_specs is not null then
    perform graphile_worker.add_jobs(v_specs);
  end if;
  perform app_private.wake_suspended(array(select k::uuid from jsonb_object_keys(v_suspended) k));
  perform app_private.announce('runs', (
    select array_agg(jsonb_build_array(l.account_id, l.user_id, l.id::text))
    from json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint)
    join app_public.sync_logs l on l.id = r."runId" and l.account_id = r."accountId"
    where v_suspended ? r."accountId"::text
  ));

  return query
    select r."accountId", case when v_suspended ? r."accountId"::text then 'ok' else 'lost' end
    from json_to_recordset(p_runs) as r ("accountId" uuid);
end
$$;
