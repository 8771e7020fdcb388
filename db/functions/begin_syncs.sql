-- Opens runs. p_requests: [{"accountId", "dueAt"?, "trigger"?}]; one answer an account:
--
--   begun           details holds the lease and all that the run needs
--   running         another run is open: that one does the work
--   busy            somebody holds the account's row at this very moment (a run is being opened or closed)
--   stale           the job's dueAt is older than the schedule: this work was done already
--   paused          the account is paused, or its user, its institution or its platform; it is put off to that pause's end
--   provider_down   its institution or platform is down, and another account is the one that probes it; this one is due
--                   again when the next probe is
--   unlinked        the account was unlinked
--   wrong_platform  the account belongs to another platform than the task
--   not_found       no such account
--
-- The partial unique index on open runs is the mutual exclusion: `on conflict do nothing` answers `running` to all but
-- one. Rows are locked with skip locked first, because an insert that meets an uncommitted row would wait for it.
create or replace function app_private.begin_syncs(
  p_platform app_public.platform_source, p_worker text, p_requests json
) returns table (account_id uuid, outcome text, details json)
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
  v_outcomes jsonb;
  v_begun uuid[];
  v_first uuid[];
  v_down jsonb;
  v_paused jsonb;
  v_may_refresh uuid[];
begin
  select coalesce(array_agg(r."accountId") filter (where r.trigger in ('user', 'webhook')), '{}'),
    (select coalesce(jsonb_object_agg(b.account_id, b.until), '{}')
     from app_private.pass_breakers(array_agg(r."accountId"),
       coalesce(array_agg(r."accountId") filter (where r.trigger in ('user', 'webhook')), '{}')) b),
    (select coalesce(jsonb_object_agg(z.account_id, z.until), '{}')
     from app_private.standing_pauses(array_agg(r."accountId")) z)
  into v_first, v_down, v_paused
  from json_to_recordset(p_requests) as r ("accountId" uuid, trigger app_public.sync_trigger);

  with requests as (
    select distinct on (r."accountId") r."accountId" as id, r."dueAt" as due_at, coalesce(r.trigger, 'schedule') as trigger
    from json_to_recordset(p_requests) as r ("accountId" uuid, "dueAt" timestamptz, trigger app_public.sync_trigger)
    order by r."accountId", r."dueAt" nulls first
  ),
  locked as (
    select s.account_id, s.next_sync_at
    from app_private.sync_states s
    where s.account_id in (select id from requests)
    order by s.account_id
    for no key update skip locked
  ),
  judged as (
    select r.id, r.trigger, a.user_id,
      case
        when a.id is null then 'not_found'
        when a.platform_source <> p_platform then 'wrong_platform'
        when a.unlinked_at is not null then 'unlinked'
        when a.paused_at is not null or p.paused_until > v_now or v_paused ? r.id::text then 'paused'
        when l.account_id is null then 'busy'
        when l.next_sync_at > r.due_at then 'stale'
        when v_down ? r.id::text then 'provider_down'
      end as refusal
    from requests r
    left join app_public.accounts a on a.id = r.id
    left join app_private.platforms p on p.platform_source = a.platform_source
    left join locked l on l.account_id = r.id
  ),
  opened as (
    insert into app_public.sync_logs (account_id, user_id, platform_source, trigger, sync_started_at)
    select j.id, j.user_id, p_platform, j.trigger, v_now
    from judged j
    where j.refusal is null
    on conflict (account_id) where status = 'in_progress' do nothing
    returning id, account_id
  ),
  leased as (
    update app_private.sync_states s
    set run_id = o.id, epoch = s.epoch + 1, held_by = p_worker, enqueued_until = 'infinity'
    from opened o
    where s.account_id = o.account_id
    returning s.account_id
  ),
  put_off as (
    update app_private.sync_states s
    set next_sync_at = (v_down ->> j.id::text)::timestamptz + interval '30 seconds' * app_private.stable_jitter(j.id::text),
      enqueued_until = null
    from judged j
    where s.account_id = j.id and j.refusal = 'provider_down' and s.run_id is null
  ),
  paused as (
    update app_private.sync_states s
    set enqueued_until = (v_paused ->> j.id::text)::timestamptz
    from judged j
    where s.account_id = j.id and j.refusal = 'paused' and v_paused ? j.id::text and s.run_id is null
  )
  select
    jsonb_object_agg(j.id, coalesce(j.refusal, case when l.account_id is null then 'running' else 'begun' end)),
    array_agg(l.account_id) filter (where l.account_id is not null)
  into v_outcomes, v_begun
  from judged j
  left join leased l on l.account_id = j.id;
  if v_down <> '{}' then
    perform app_private.tell_outage(array(
      select o.key::uuid from jsonb_each_text(v_outcomes) o where o.value = 'provider_down'
    ));
  end if;
  v_may_refresh := app_private.reserve_refreshes(p_platform, coalesce(v_begun, '{}'), v_first);

  return query
    select o.key::uuid, o.value, d.details
    from jsonb_each_text(coalesce(v_outcomes, '{}')) o
    left join app_private.lease_details(v_begun, v_first, v_may_refresh) d on d.account_id = o.key::uuid;
end
$$;
