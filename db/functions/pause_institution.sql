-- Pauses the accounts of one institution of a platform, as pause_platform() does all. An account that falls due meanwhile is
-- put off to the pause's end, once. Answers how many accounts that concerns. Raises NTFND for an institution of which no
-- account is linked, SETNV, OPSNR.
create or replace function app_admin.pause_institution(
  p_platform app_public.platform_source, p_institution text, p_reason text, p_until timestamptz default 'infinity'
) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_accounts uuid[] := app_private.accounts_of_institution(p_platform, p_institution);
  v_before timestamptz;
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_pause_end(p_until);
  perform app_private.require_institution(p_platform, p_institution);
  select z.until into v_before
  from app_private.pauses z
  where z.platform_source = p_platform and z.institution_code = p_institution;
  perform app_private.note_admin_action(
    'pause_institution', p_reason, jsonb_build_object('until', v_before), jsonb_build_object('until', p_until),
    p_platform => p_platform, p_institution => p_institution);
  insert into app_private.pauses (platform_source, institution_code, until, reason)
  values (p_platform, p_institution, p_until, trim(p_reason))
  on conflict on constraint pauses_institution_key do update set until = excluded.until, reason = excluded.reason;
  -- A shorter pause than before: who was put off to the old end comes back.
  if v_before > p_until then
    perform app_private.release_paused(v_accounts);
  end if;
  return cardinality(v_accounts);
end
$$;

-- Takes an institution's pause back. Answers how many accounts wait no longer. Raises OPSNP where it is not paused, NTFND, OPSNR.
create or replace function app_admin.resume_institution(
  p_platform app_public.platform_source, p_institution text, p_reason text
) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before app_private.pauses;
begin
  perform app_private.require_platform(p_platform);
  delete from app_private.pauses z
  where z.platform_source = p_platform and z.institution_code = p_institution
  returning * into v_before;
  if coalesce(v_before.until <= app_private.clock(), true) then
    raise exception 'The institution is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_institution', p_reason, jsonb_build_object('until', v_before.until, 'reason', v_before.reason),
    p_platform => p_platform, p_institution => p_institution);
  perform app_private.dispatch_soon(p_platform);
  return app_private.release_paused(app_private.accounts_of_institution(p_platform, p_institution));
end
$$;

-- The linked accounts of an institution.
create or replace function app_private.accounts_of_institution(p_platform app_public.platform_source, p_institution text)
returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.id), '{}')
  from app_private.links l
  join app_public.accounts a on a.id = l.account_id
  where l.institution_code = p_institution and a.platform_source = p_platform and a.unlinked_at is null;
$$;
