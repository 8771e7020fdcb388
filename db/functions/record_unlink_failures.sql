-- A provider did not confirm. p_failures: [{"id", "kind", "message", "retryAt"?}]; the next try stands already, unless the
-- provider, or our quota, named a moment.
create or replace function app_private.record_unlink_failures(p_failures json) returns void
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  update app_private.unlinkings u
  set last_failure_kind = f.kind, last_failure = left(f.message, 300), next_try_at = coalesce(f."retryAt", u.next_try_at)
  from json_to_recordset(p_failures) as f (id bigint, kind app_public.failure_kind, message text, "retryAt" timestamptz)
  where u.id = f.id and u.state = 'open';
$$;
