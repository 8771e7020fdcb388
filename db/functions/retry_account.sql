-- Syncs one account now, past its cooldown and its backoff, first in line. Answers what request_sync() would: queued, or why
-- not. Raises NTFND, OPSNP for an account whose link has ended, OPSNR.
create or replace function app_admin.retry_account(p_account_id uuid, p_reason text) returns app_public.sync_request
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.require_linked(p_account_id);
  perform app_private.note_admin_action('retry_account', p_reason, p_account_id => p_account_id);
  return app_private.queue_sync(p_account_id, 'manual', true);
end
$$;

-- Makes every account of a platform, or of one institution, that waits out a failure due now, spread over a minute for each
-- thousand. Answers how many. Raises NTFND for an institution of which no account is linked, OPSNR.
create or replace function app_admin.retry_failing(
  p_platform app_public.platform_source, p_reason text, p_institution text default null
) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_accounts uuid[];
begin
  perform app_private.require_platform(p_platform);
  if p_institution is not null then
    perform app_private.require_institution(p_platform, p_institution);
  end if;
  perform app_private.note_admin_action('retry_failing', p_reason, p_platform => p_platform, p_institution => p_institution);
  v_accounts := array(
    select s.account_id
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform and s.failures > 0 and s.run_id is null and s.next_sync_at > v_now
      and s.next_sync_at < 'infinity' and (p_institution is null or l.institution_code = p_institution)
    -- A row that is locked has its run opened or closed at this very moment.
    for no key update of s skip locked
  );
  update app_private.sync_states s
  set next_sync_at = least(s.next_sync_at,
    v_now + interval '1 minute' * (cardinality(v_accounts) / 1000 * app_private.stable_jitter(s.account_id::text)))
  where s.account_id = any (v_accounts);
  perform app_private.dispatch_soon(p_platform);
  return cardinality(v_accounts);
end
$$;
