-- A backend asks for a sync of every account of a platform. Adds no job an account: those that may be synced become due one
-- after another, the longest unsynced first, at the pace that the platform's quota allows, and the dispatcher hands them
-- over as they fall due. Whoever is due sooner keeps that, so that asking twice moves nobody back. Answers how many accounts
--
--   queued         are due now or at their place in this row
--   running        have a run open
--   cooling_down   were tried within the cooldown
--   needs_you      wait for their owner: their own schedule asks again, a mass request does not
--   paused         are paused, or their user, their institution or their platform is
--   provider_down  have an institution, or a platform, that is down
create or replace function app_private.request_syncs(p_platform app_public.platform_source)
returns table (
  queued integer, running integer, cooling_down integer, needs_you integer, paused integer, provider_down integer
)
language plpgsql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_platform app_private.platforms;
  v_rate double precision;
begin
  select * into v_platform from app_private.platforms where platform_source = p_platform;
  -- Accounts a second. A quiet sync is one request and one with news a few: two on average. Without a limit of ours, 100
  -- a second keep the queue short.
  select coalesce(q.requests * q.learned * (1 - q.reserve) / extract(epoch from q.per) / 2, 100) into v_rate
  from app_private.quotas q
  where q.platform_source = p_platform;
  v_rate := coalesce(v_rate, 100);

  return query
  with judged as (
    select s.account_id, a.last_synced_at,
      case
        when a.paused_at is not null or v_platform.paused_until > v_now then 'paused'
        when exists (
          select from app_private.pauses z
          where z.until > v_now
            and (z.user_id = a.user_id or (z.platform_source = p_platform and z.institution_code = l.institution_code))
        ) then 'paused'
        when s.run_id is not null then 'running'
        when exists (
          select from app_private.breakers b
          where b.platform_source = p_platform and b.institution_code in (l.institution_code, '') and b.next_probe_at > v_now
        ) then 'provider_down'
        when a.sync_status = 'auth_required' then 'needs_you'
        when a.last_sync_attempt + v_platform.cooldown > v_now then 'cooling_down'
        else 'queued'
      end as verdict
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform and a.unlinked_at is null
  ),
  placed as (
    select j.account_id, v_now + make_interval(secs =>
      (row_number() over (order by j.last_synced_at nulls first, j.account_id) - 1) / v_rate) as slot
    from judged j
    where j.verdict = 'queued'
  ),
  -- A row that is locked has its run opened or closed at this very moment.
  locked as (
    select s.account_id, p.slot
    from placed p
    join app_private.sync_states s on s.account_id = p.account_id
    where s.next_sync_at > p.slot
    order by s.account_id
    for no key update of s skip locked
  ),
  brought_forward as (
    update app_private.sync_states s
    set next_sync_at = l.slot
    from locked l
    where s.account_id = l.account_id and s.run_id is null
  )
  select
    (count(*) filter (where j.verdict = 'queued'))::integer,
    (count(*) filter (where j.verdict = 'running'))::integer,
    (count(*) filter (where j.verdict = 'cooling_down'))::integer,
    (count(*) filter (where j.verdict = 'needs_you'))::integer,
    (count(*) filter (where j.verdict = 'paused'))::integer,
    (count(*) filter (where j.verdict = 'provider_down'))::integer
  from judged j;

  -- The first of them need not wait for the full minute.
  perform app_private.ensure_job(
    'enqueue_due_syncs', json_build_object('platform', p_platform), 'enqueue_due_syncs:' || p_platform
  );
end
$$;
