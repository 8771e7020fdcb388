-- How long do people take to come back? One line an episode, the newest first.
create or replace view app_admin.auth_episodes with (security_barrier) as
select
  e.id,
  e.account_id,
  a.platform_source,
  l.institution_code,
  case
    when e.recovered_at is null and e.tapped_at is not null then 'tapped'
    when e.recovered_at is null and e.told_at is not null then 'told'
    when e.recovered_at is null then 'detected'
    when e.closed_by = 'unlinked' then 'unlinked'
    else 'recovered'
  end as state,
  e.detected_at,
  e.told_at,
  d.pushed_at,
  e.reminded_at,
  e.tapped_at,
  case when e.closed_by is distinct from 'unlinked' then e.recovered_at end as recovered_at,
  e.relapses,
  d.pushed_at - e.told_at as told_to_pushed,
  e.tapped_at - e.told_at as told_to_tapped,
  case when e.closed_by is distinct from 'unlinked' then e.recovered_at - e.tapped_at end as tapped_to_recovered,
  case when e.closed_by is distinct from 'unlinked' then e.recovered_at - e.detected_at end as took,
  case when e.recovered_at is null then app_private.clock() - e.detected_at end as waiting_for
from app_private.auth_episodes e
join app_public.accounts a on a.id = e.account_id
join app_private.links l on l.account_id = e.account_id
left join lateral (
  select min(d.finished_at) as pushed_at
  from app_public.notifications n
  join app_private.deliveries d on d.notification_id = n.id
  where n.episode_id = e.id and d.channel <> 'in_app' and d.outcome = 'delivered'
) d on true
order by e.id desc;
comment on view app_admin.auth_episodes is 'How long do people take to come back?';
