-- How mirroring went. p_attempt: {"userId", "version", "kind", "code"?, "reason"?, "notBefore"?}, kinds as of
-- record_deliveries. What changed meanwhile is mirrored once more. Whom OneSignal does not know is left alone until their
-- accounts change. Without keys (not_set_up) everybody is, until a worker with keys begins (resume_deliveries): where OneSignal
-- is not used at all, asking again by the hour would be a job a second for each few thousand users.
create or replace function app_private.record_tag_mirror(p_attempt json) returns void
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  update app_private.tag_mirrors m
  set next_attempt_at = case
      when m.version <> a.version then m.next_attempt_at
      when a.code = 'not_set_up' then null
      when a.kind in ('retry', 'configuration') then greatest(
        app_private.clock() + app_private.retry_delay(m.attempts, m.user_id),
        case when a."notBefore" is not null then least(a."notBefore", app_private.clock() + interval '1 day') end)
    end,
    mirrored_at = case when a.kind = 'delivered' then app_private.clock() else m.mirrored_at end,
    needs_operator = a.kind = 'configuration',
    code = left(a.code, 100),
    reason = left(a.reason, 300),
    enqueued_until = null
  from json_to_record(p_attempt) as a (
    "userId" uuid, version integer, kind text, code text, reason text, "notBefore" timestamptz
  )
  where m.user_id = a."userId";
$$;
