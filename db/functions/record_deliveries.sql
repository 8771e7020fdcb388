-- How attempts went. p_attempts: [{"id", "attempt", "kind", "code"?, "reason"?, "notBefore"?, "providerMessageId"?,
--   "removeSubscription"?}]. kind: delivered, unreachable, refused, and retry or configuration (a key of ours is missing or
-- wrong, which an operator mends): those are tried again after retry_delay(attempts), or when the channel asked for, if that is
-- later; and configuration also as soon as a worker with keys begins (resume_deliveries).
--
-- Answers ok or lost for each. Whoever lost the lease changes nothing, except that what was delivered is delivered: a late
-- word of that still spares its user a second message.
create or replace function app_private.record_deliveries(p_attempts json) returns table (id uuid, outcome text)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_recorded uuid[];
begin
  -- Browsers first: where one is forgotten, all that waits for it is changed as well, and two records of the same browser would
  -- wait for each other's deliveries.
  perform
  from app_public.push_subscriptions b
  where b.id in (
    select d.subscription_id
    from app_private.deliveries d
    join json_to_recordset(p_attempts) as a (id uuid, kind text, "removeSubscription" boolean) on a.id = d.id
    where d.outcome is null and (a.kind = 'delivered' or a."removeSubscription")
  )
  order by b.id
  for no key update;

  with attempts as (
    select *
    from json_to_recordset(p_attempts) as a (
      id uuid, attempt integer, kind text, code text, reason text, "notBefore" timestamptz, "providerMessageId" text,
      "removeSubscription" boolean
    )
  ),
  locked as (
    select d.id
    from app_private.deliveries d
    join attempts a on a.id = d.id
    where d.outcome is null and (a.kind = 'delivered' or a.attempt = d.attempts and d.leased_until is not null)
    order by d.id
    for no key update of d
  ),
  recorded as (
    update app_private.deliveries d
    set outcome = case when a.kind not in ('retry', 'configuration') then a.kind end,
      finished_at = case when a.kind not in ('retry', 'configuration') then v_now end,
      next_attempt_at = case when a.kind in ('retry', 'configuration') then greatest(
        v_now + app_private.retry_delay(d.attempts, d.id),
        -- A channel that asks for a year means something else.
        case when a."notBefore" is not null then least(a."notBefore", v_now + interval '1 day') end) end,
      needs_operator = a.kind = 'configuration',
      code = left(a.code, 100),
      reason = left(a.reason, 300),
      provider_message_id = left(a."providerMessageId", 200),
      enqueued_until = null,
      leased_until = null,
      held_by = null
    from locked l
    join attempts a on a.id = l.id
    where d.id = l.id
    returning d.id, d.subscription_id, d.outcome, a."removeSubscription"
  ),
  reached as (
    update app_public.push_subscriptions b
    set last_delivered_at = v_now
    from recorded r
    where b.id = r.subscription_id and r.outcome = 'delivered'
  )
  select array_agg(r.id) into v_recorded from recorded r;

  delete from app_public.push_subscriptions b
  using app_private.deliveries d, json_to_recordset(p_attempts) as a (id uuid, "removeSubscription" boolean)
  where d.id = a.id and a."removeSubscription" and d.id = any (v_recorded) and b.id = d.subscription_id;

  return query
    select a.id, case when a.id = any (v_recorded) then 'ok' else 'lost' end
    from json_to_recordset(p_attempts) as a (id uuid);
end
$$;
