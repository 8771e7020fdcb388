-- Pauses a platform: nothing is dispatched, no run begins, and people who press Sync now are told so. Runs that are open end by
-- themselves. By default until resume_platform() takes it back; p_until ends it by itself. Said again, it replaces reason and end.
-- Raises NTFND where none is named, SETNV for an end that has passed, OPSNR.
create or replace function app_admin.pause_platform(
  p_platform app_public.platform_source, p_reason text, p_until timestamptz default 'infinity'
) returns timestamptz
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_pause_end(p_until);
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  perform app_private.note_admin_action(
    'pause_platform', p_reason, jsonb_build_object('until', p.paused_until), jsonb_build_object('until', p_until),
    p_platform => p_platform);
  update app_private.platforms set paused_until = p_until, paused_reason = trim(p_reason) where platform_source = p_platform;
  return p_until;
end
$$;

-- Takes a platform's pause back, an operator's or the one of a refused key, and dispatches at once. Raises OPSNP where
-- nothing is paused, NTFND, OPSNR.
create or replace function app_admin.resume_platform(p_platform app_public.platform_source, p_reason text) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  if coalesce(p.paused_until <= app_private.clock(), true) then
    raise exception 'The platform is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_platform', p_reason, jsonb_build_object('until', p.paused_until, 'reason', p.paused_reason), p_platform => p_platform);
  update app_private.platforms set paused_until = null, paused_reason = null where platform_source = p_platform;
  perform app_private.dispatch_soon(p_platform);
end
$$;

-- What every pause asks of its end. Raises SETNV.
create or replace function app_private.check_pause_end(p_until timestamptz) returns void
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if coalesce(p_until <= app_private.clock(), true) then
    raise exception 'A pause ends in the future. Leave its end out for one that lasts until it is taken back.' using errcode = 'SETNV';
  end if;
end
$$;

-- A tick of a platform's dispatcher now, instead of at the next full minute.
create or replace function app_private.dispatch_soon(p_platform app_public.platform_source) returns void
language sql
set search_path = pg_catalog, pg_temp
as $$
  select graphile_worker.add_job(
    'enqueue_due_syncs', json_build_object('platform', p_platform), job_key => 'enqueue_due_syncs:' || p_platform, max_attempts => 3
  );
$$;
