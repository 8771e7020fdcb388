-- Will each platform finish within its sync window, and if not, what is too small?
create or replace view app_admin.sync_windows with (security_barrier) as
select
  p.platform_source,
  f.window_starts_at,
  f.window_ends_at,
  f.accounts_due,
  f.window_capacity,
  f.accounts_per_second,
  f.projected_finish,
  f.at_risk,
  case
    when not f.at_risk then null
    when p.paused_until >= f.window_ends_at then 'the platform is paused: ' || coalesce(p.paused_reason, 'no reason given')
    when f.accounts_due > f.window_capacity then 'the quota is too small for the accounts that are due'
    when f.accounts_per_second = 0 then 'no run has ended in the last quarter of an hour'
    else 'runs take too long, or there are too few workers'
  end as why
from app_private.platforms p
cross join lateral app_private.window_forecast(p.platform_source) f;
comment on view app_admin.sync_windows is 'Will each platform finish within its sync window, and if not, what is too small?';
