-- Pauses all accounts of a user, those they link later among them. Answers how many there are now. Raises NTFND for a user
-- who has none, SETNV, OPSNR.
create or replace function app_admin.pause_user(p_user_id uuid, p_reason text, p_until timestamptz default 'infinity')
returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_accounts uuid[] := app_private.accounts_of_user(p_user_id);
  v_before timestamptz := (select z.until from app_private.pauses z where z.user_id = p_user_id);
begin
  perform app_private.check_pause_end(p_until);
  if cardinality(v_accounts) = 0 then
    raise exception 'There is no such user with a linked account.' using errcode = 'NTFND';
  end if;
  perform app_private.note_admin_action(
    'pause_user', p_reason, jsonb_build_object('until', v_before), jsonb_build_object('until', p_until), p_user_id => p_user_id);
  insert into app_private.pauses (user_id, until, reason)
  values (p_user_id, p_until, trim(p_reason))
  on conflict on constraint pauses_user_key do update set until = excluded.until, reason = excluded.reason;
  if v_before > p_until then
    perform app_private.release_paused(v_accounts);
  end if;
  return cardinality(v_accounts);
end
$$;

-- Takes a user's pause back. Answers how many accounts wait no longer. Raises OPSNP where they are not paused, OPSNR.
create or replace function app_admin.resume_user(p_user_id uuid, p_reason text) returns integer
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before app_private.pauses;
begin
  delete from app_private.pauses z where z.user_id = p_user_id returning * into v_before;
  if coalesce(v_before.until <= app_private.clock(), true) then
    raise exception 'The user is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_user', p_reason, jsonb_build_object('until', v_before.until, 'reason', v_before.reason), p_user_id => p_user_id);
  return app_private.release_paused(app_private.accounts_of_user(p_user_id));
end
$$;

-- The linked accounts of a user.
create or replace function app_private.accounts_of_user(p_user_id uuid) returns uuid[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(a.id), '{}') from app_public.accounts a where a.user_id = p_user_id and a.unlinked_at is null;
$$;
