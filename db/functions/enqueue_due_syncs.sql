-- Hands the accounts that are due to the workers: one statement, so a claim and its job exist together or not at all.
--
-- `skip locked`: two dispatchers share the due accounts instead of waiting for each other, and none is enqueued twice
-- because the claim (enqueued_until) moves the row in the dispatch index. If a job is lost all the same, the claim runs
-- out after 10 minutes and the account is due again; if it is merely slow, the second job is dropped by begin_syncs.
-- job_key keeps the queue short; it is not a lock (a key re-added while its job runs starts a second job). One queue
-- per account was refused: graphile-worker's own types warn of high-cardinality queue names.
--
-- Accounts of a paused institution or user are put off to the pause's end instead; one update each, not one a tick. Runs of
-- theirs that are open go on. The answer counts them, so that a tick that meets a thousand of them is not taken for the last.
--
-- A run that waits for its provider is due like any other: its next_sync_at is the moment to look again, and its job
-- carries the run.
create or replace function app_private.enqueue_due_syncs(
  p_platform app_public.platform_source, p_limit integer default 1000, p_dispatch_id text default null
) returns integer
language plpgsql security definer -- the dispatcher may neither read sync_states nor see which accounts exist
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_platform app_private.platforms;
  v_specs graphile_worker.job_spec[];
  v_due integer;
begin
  select * into v_platform from app_private.platforms where platform_source = p_platform;
  -- Whoever gets the row notes the tick; a second dispatcher does not wait for the first to commit.
  update app_private.platforms
  set last_dispatch_at = clock_timestamp()
  where platform_source in (
    select p.platform_source
    from app_private.platforms p
    where p.platform_source = p_platform
    for no key update skip locked
  );
  if v_platform.platform_source is null or v_platform.paused_until > v_now then
    return 0;
  end if;

  with due as (
    select s.account_id, s.run_id
    from app_private.sync_states s
    where s.platform_source = p_platform
      and greatest(s.next_sync_at, s.enqueued_until) <= v_now
    order by greatest(s.next_sync_at, s.enqueued_until)
    limit p_limit
    for update skip locked
  ),
  paused as (
    select z.* from app_private.standing_pauses(array(select d.account_id from due d where d.run_id is null)) z
  ),
  claimed as (
    update app_private.sync_states s
    set enqueued_until = coalesce(z.until, v_now + interval '10 minutes')
    from due
    left join paused z on z.account_id = due.account_id
    where s.account_id = due.account_id
    returning s.account_id, s.next_sync_at, s.run_id, z.until as paused_until
  )
  select array_agg((
    v_platform.task_identifier,
    json_strip_nulls(json_build_object('accountId', c.account_id, 'dueAt', c.next_sync_at, 'runId', c.run_id::text,
      'dispatchId', p_dispatch_id)),
    null,
    now(),
    3,
    'sync:' || c.account_id,
    0,
    null
  )::graphile_worker.job_spec) filter (where c.paused_until is null), count(*)
  into v_specs, v_due
  from claimed c;

  if v_specs is not null then
    perform graphile_worker.add_jobs(v_specs);
  end if;
  return v_due;
end
$$;
comment on function app_private.enqueue_due_syncs(app_public.platform_source, integer, text) is
  'Adds a job for each account of the platform that is due, at most p_limit, and answers how many were due. The jobs carry p_dispatch_id, for the log.';
