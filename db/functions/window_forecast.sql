-- Whether a platform will get through its sync window: the one it is in, or the next.
--
-- What falls due before the window's end is known by quarters of an hour (upcoming_counts). Served at `accounts_per_second`,
-- each quarter's work and all that follows it ends no sooner than start + work / rate; the latest of these is the end
-- (`projected_finish`). The rate is what the quota gives to scheduled syncs, divided by the requests that a sync took in the last
-- 24 hours (two, where none were counted). Where accounts are overdue by more than a minute's work, it is at most what was done in
-- the last quarter of an hour: whatever the quota says, workers that are slow, few or dead do no more than that.
-- Nothing is served while the platform is paused.
create or replace function app_private.window_forecast(p_platform app_public.platform_source)
returns table (
  window_starts_at timestamptz, window_ends_at timestamptz, accounts_due bigint, accounts_per_second double precision,
  window_capacity bigint, projected_finish timestamptz, at_risk boolean
)
language plpgsql stable security definer -- whoever reads the views calls it, and app_admin reads no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  p app_private.platforms;
  q app_private.quotas;
  v_requests double precision;
  v_observed double precision;
  v_late bigint;
begin
  select * into p from app_private.platforms where platform_source = p_platform;
  select * into q from app_private.quotas where platform_source = p_platform;
  select min(d.starts_at) into window_starts_at
  from (
    select ((v_now at time zone p.time_zone)::date + n + make_interval(hours => p.preferred_hour)) at time zone p.time_zone as starts_at
    from generate_series(-1, 1) n
  ) d
  where d.starts_at + p.sync_window > v_now;
  window_ends_at := window_starts_at + p.sync_window;

  select greatest(1, coalesce(sum(r.requests)::double precision / nullif(sum(r.runs), 0), 2)) into v_requests
  from app_private.run_rollups r
  where r.grain = interval '1 hour' and r.starts_at > v_now - interval '1 day' and r.platform_source = p_platform
    and r.outcome = 'success';
  -- Three whole spans of five minutes, and what there is of the present one.
  select coalesce(sum(r.runs), 0) / extract(epoch from v_now - date_bin('5 minutes', v_now, timestamptz '2000-01-01 00:00:00+00')
    + interval '15 minutes') into v_observed
  from app_private.run_rollups r
  where r.grain = interval '5 minutes' and r.platform_source = p_platform
    and r.starts_at >= date_bin('5 minutes', v_now, timestamptz '2000-01-01 00:00:00+00') - interval '15 minutes';
  select coalesce(sum(c.late), 0) into v_late from app_private.account_counts c where c.platform_source = p_platform;

  if q.requests is not null then
    select c.slots * c.permits / extract(epoch from q.per) * (1 - q.reserve) / v_requests into accounts_per_second
    from app_private.quota_slots(greatest(3, q.requests * app_private.quota_learned(q))) c;
  else
    accounts_per_second := 100;
  end if;
  window_capacity := floor(accounts_per_second * extract(epoch from p.sync_window));
  if v_late > 60 * accounts_per_second then
    accounts_per_second := least(accounts_per_second, v_observed);
  end if;

  select coalesce(sum(u.accounts), 0) into accounts_due
  from app_private.upcoming_counts u
  where u.platform_source = p_platform and u.starts_at < window_ends_at;
  if accounts_due = 0 then
    projected_finish := window_starts_at;
  elsif accounts_per_second <= 0 or accounts_due / accounts_per_second > 31536000 or p.paused_until = 'infinity' then
    projected_finish := 'infinity';
  else
    select max(greatest(w.starts_at, p.paused_until) + make_interval(secs => w.work / accounts_per_second)) into projected_finish
    from (
      select greatest(u.starts_at, c.counted_at) as starts_at,
        (sum(u.accounts) over (order by u.starts_at desc))::double precision as work
      from app_private.upcoming_counts u
      cross join (select max(c.counted_at) from app_private.account_counts c where c.platform_source = p_platform) c (counted_at)
      where u.platform_source = p_platform and u.starts_at < window_ends_at
    ) w;
  end if;
  at_risk := projected_finish > window_ends_at;
  return next;
end
$$;
