-- Do notifications arrive, channel by channel? What is on its way, and what became of the newest 2,000 notifications.
-- needs_operator of those on their way wait for a key of ours that is missing or refused; problem is why, in a sentence.
create or replace view app_admin.deliveries with (security_barrier) as
select
  c.channel,
  coalesce(o.open, 0) as open,
  coalesce(o.overdue, 0) as overdue,
  (select app_private.clock()) - o.oldest as oldest_overdue,
  coalesce(o.retrying, 0) as retrying,
  coalesce(r.finished, 0) as finished,
  r.outcomes,
  r.delivered::double precision / nullif(r.delivered + r.failed, 0) as delivered_share,
  r.p95,
  coalesce(o.needs_operator, 0) as needs_operator,
  o.problem
from unnest(enum_range(null::app_public.notification_channel)) as c (channel)
left join (
  select d.channel, count(*) as open,
    count(*) filter (where d.next_attempt_at <= (select app_private.clock())) as overdue,
    min(d.next_attempt_at) filter (where d.next_attempt_at <= (select app_private.clock())) as oldest,
    count(*) filter (where d.attempts > 0) as retrying,
    count(*) filter (where d.needs_operator) as needs_operator,
    min(d.reason) filter (where d.needs_operator) as problem
  from app_private.deliveries d
  where d.outcome is null
  group by d.channel
) o on o.channel = c.channel
left join (
  select d.channel, sum(d.n) as finished, jsonb_object_agg(d.outcome, d.n) as outcomes,
    coalesce(sum(d.n) filter (where d.outcome = 'delivered'), 0) as delivered,
    coalesce(sum(d.n) filter (where d.outcome in ('unreachable', 'refused', 'expired')), 0) as failed,
    max(d.p95) filter (where d.outcome = 'delivered') as p95
  from (
    select d.channel, d.outcome, count(*) as n,
      percentile_disc(0.95) within group (order by d.finished_at - d.created_at) as p95
    from (select n.id from app_public.notifications n order by n.id desc limit 2000) n
    join app_private.deliveries d on d.notification_id = n.id
    where d.outcome is not null
    group by d.channel, d.outcome
  ) d
  group by d.channel
) r on r.channel = c.channel;
comment on view app_admin.deliveries is
  'Do notifications arrive, channel by channel? What is on its way, and what became of the newest 2,000 notifications.';
