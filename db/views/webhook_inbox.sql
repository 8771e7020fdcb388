-- Are webhooks coming in, and is anybody reading them?
create or replace view app_admin.webhook_inbox with (security_barrier) as
select
  p.platform_source,
  i.unread,
  (select app_private.clock()) - i.oldest as oldest_unread,
  (select app_private.clock()) - (
    select w.received_at
    from app_private.webhooks w
    where w.platform_source = p.platform_source
    order by w.received_at desc
    limit 1
  ) as last_received_ago,
  r.received_10min,
  r.outcomes_10min
from app_private.platforms p
left join lateral (
  select count(*) as unread, min(w.received_at) as oldest
  from app_private.webhooks w
  where w.outcome is null and w.platform_source = p.platform_source
) i on true
left join lateral (
  select sum(o.n) as received_10min, jsonb_object_agg(o.outcome, o.n) as outcomes_10min
  from (
    select coalesce(w.outcome, 'unread') as outcome, count(*) as n
    from app_private.webhooks w
    where w.received_at > app_private.clock() - interval '10 minutes' and w.platform_source = p.platform_source
    group by 1
  ) o
) r on true;
comment on view app_admin.webhook_inbox is 'Are webhooks coming in, and is anybody reading them?';
