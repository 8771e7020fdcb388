-- The provider answered 429: less is sent from now on, and nothing before it asked us to come back (or for a second, where
-- it did not say). Many 429s of the same second teach once. Called by record_sync_failures, and by who links an account.
create or replace function app_private.teach_quota(p_platform app_public.platform_source, p_retry_after interval) returns void
language sql security definer -- app_service and app_worker have no table grants
set search_path = pg_catalog, pg_temp
as $$
  update app_private.quotas
  set learned = case
      when refused_at > clock_timestamp() - interval '1 second' then learned
      -- What had grown back since the last lesson counts.
      else greatest(0.05, 0.7 * least(1, learned + coalesce(extract(epoch from clock_timestamp() - refused_at) / 60 * 0.05, 1)))
    end,
    refused_at = clock_timestamp(),
    blocked_until = greatest(
      blocked_until, clock_timestamp() + least(greatest(p_retry_after, interval '1 second'), interval '10 minutes'))
  where platform_source = p_platform;
$$;
