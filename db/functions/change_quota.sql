-- Changes how many requests a provider gets: p_requests in any window of p_per, of which the share p_reserve is kept for
-- people who wait. What is left out stays. What 429s taught is forgotten when the limit changes. Works from the next slot on, in
-- every process. Raises NTFND, SETNV, OPSNP for a platform that has no limit and is given none, OPSNR.
create or replace function app_admin.change_quota(
  p_platform app_public.platform_source, p_reason text, p_requests integer default null, p_per interval default null,
  p_reserve numeric default null
) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  q app_private.quotas;
begin
  perform app_private.require_platform(p_platform);
  if p_requests is null and p_per is null and p_reserve is null then
    raise exception 'Say what to change: how many requests, in how long, or the reserve.' using errcode = 'SETNV';
  end if;
  if p_requests < 3 or p_requests > 1000000 then
    raise exception 'A limit lies between 3 and 1,000,000 requests: a smaller one could not be kept for certain. Choose a longer window instead.'
      using errcode = 'SETNV';
  end if;
  if p_per < interval '100 milliseconds' or p_per > interval '1 day' then
    raise exception 'A window lies between 100 milliseconds and a day.' using errcode = 'SETNV';
  end if;
  if p_reserve < 0 or p_reserve > 0.9 then
    raise exception 'The reserve is a share between 0 and 0.9.' using errcode = 'SETNV';
  end if;
  select * into q from app_private.quotas where platform_source = p_platform for update;
  if coalesce(p_requests, q.requests) is null then
    raise exception 'The platform has no limit yet: say how many requests.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'change_quota', p_reason,
    jsonb_build_object('requests', q.requests, 'per', q.per, 'reserve', q.reserve),
    jsonb_build_object('requests', coalesce(p_requests, q.requests), 'per', coalesce(p_per, q.per),
      'reserve', coalesce(p_reserve, q.reserve)),
    p_platform => p_platform);
  update app_private.quotas
  set requests = coalesce(p_requests, requests), per = coalesce(p_per, per), reserve = coalesce(p_reserve, reserve),
    learned = case when p_requests is null and p_per is null then learned else 1 end,
    blocked_until = case when p_requests is null and p_per is null then blocked_until end
  where platform_source = p_platform;
end
$$;

-- Sends as much as workers can. Undone by change_quota(). Raises NTFND, OPSNR.
create or replace function app_admin.lift_quota(p_platform app_public.platform_source, p_reason text) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  q app_private.quotas;
begin
  perform app_private.require_platform(p_platform);
  select * into q from app_private.quotas where platform_source = p_platform for update;
  perform app_private.note_admin_action(
    'lift_quota', p_reason, jsonb_build_object('requests', q.requests, 'per', q.per, 'reserve', q.reserve), p_platform => p_platform);
  update app_private.quotas set requests = null where platform_source = p_platform;
end
$$;

-- The most paid refreshes a day; null: as many as are due. Raises NTFND, SETNV, OPSNP for a platform that charges for none,
-- OPSNR.
create or replace function app_admin.change_refresh_cap(p_platform app_public.platform_source, p_cap integer, p_reason text)
returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  if p_cap < 0 then
    raise exception 'A cap is 0 refreshes a day or more; null lifts it.' using errcode = 'SETNV';
  end if;
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  if p.refresh_price is null then
    raise exception 'The platform charges for no refreshes, and none are counted.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'change_refresh_cap', p_reason, jsonb_build_object('cap', p.daily_refresh_cap), jsonb_build_object('cap', p_cap),
    p_platform => p_platform);
  update app_private.platforms set daily_refresh_cap = p_cap where platform_source = p_platform;
end
$$;
