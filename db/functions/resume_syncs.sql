-- Continues runs that waited for their provider, under a new epoch. p_requests: [{"accountId", "runId"}]; one answer an
-- account: begun (with details, as from begin_syncs), running (held by a worker), busy, wrong_platform, or stale (that
-- run is closed, or never was).
create or replace function app_private.resume_syncs(
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
  v_outcomes jsonb;
  v_begun uuid[];
begin
  with requests as (
    select distinct on (r."accountId") r."accountId" as id, r."runId" as run_id
    from json_to_recordset(p_requests) as r ("accountId" uuid, "runId" bigint)
  ),
  locked as (
    select s.account_id, s.run_id, s.held_by
    from app_private.sync_states s
    where s.platform_source = p_platform and s.account_id in (select id from requests)
    order by s.account_id
    for no key update skip locked
  ),
  judged as (
    select r.id,
      case
        when s.platform_source <> p_platform then 'wrong_platform'
        when l.account_id is null and s.account_id is not null then 'busy'
        when l.run_id is distinct from r.run_id then 'stale'
        when l.held_by is not null then 'running'
      end as refusal
    from requests r
    left join app_private.sync_states s on s.account_id = r.id
    left join locked l on l.account_id = r.id
  ),
  leased as (
    update app_private.sync_states s
    set epoch = s.epoch + 1, held_by = p_worker, enqueued_until = 'infinity'
    from judged j
    where s.account_id = j.id and j.refusal is null
    returning s.account_id
  )
  select
    jsonb_object_agg(j.id, coalesce(j.refusal, 'begun')),
    (select array_agg(l.account_id) from leased l)
  into v_outcomes, v_begun
  from judged j;

  perform app_private.announce('runs', (
    select array_agg(jsonb_build_array(l.account_id, l.user_id, l.id::text))
    from app_public.sync_logs l
    where l.account_id = any (v_begun) and l.status = 'in_progress'
  ));

  return query
    select o.key::uuid, o.value, d.details
    from jsonb_each_text(coalesce(v_outcomes, '{}')) o
    -- Its refresh, if it had one, was begun before it waited.
    left join app_private.lease_details(v_begun, '{}', v_begun) d on d.account_id = o.key::uuid;
end
$$;
