-- Forgets a person: unlinks what is linked, and once every provider has confirmed (complete_erasures) deletes all that is
-- theirs. Answers the receipt, by which erasure_report() tells of it when the person is no longer known. Asked again before
-- the end, it answers the same receipt.
create or replace function app_private.erase_user(p_user_id uuid) returns uuid
language plpgsql security definer -- app_service has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_id uuid;
begin
  -- Whoever links an account for this person at this moment waits, and is refused.
  perform pg_advisory_xact_lock(hashtextextended('link ' || p_user_id, 0));
  insert into app_private.erasures (subject, requested_at)
  values (p_user_id, app_private.clock())
  on conflict on constraint erasures_subject_key do nothing;
  select e.id into strict v_id from app_private.erasures e where e.subject = p_user_id;
  perform app_private.end_links(
    array(select a.id from app_public.accounts a where a.user_id = p_user_id and a.unlinked_at is null), 'erasure'
  );
  -- No job of an account: a job that names one could not erase it while it runs.
  perform app_private.ensure_job('unlink_account', '{}', 'unlink_due_accounts');
  return v_id;
end
$$;
-- Forgets a person: erase_user() for an operator. Answers the receipt. Whom it was is not written down, only the receipt.
-- Cannot be taken back. Raises NTFND for somebody of whom nothing is stored, OPSNR.
create or replace function app_admin.erase_user(p_user_id uuid, p_reason text) returns uuid
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_receipt uuid;
begin
  if not exists (select from app_public.accounts a where a.user_id = p_user_id)
    and not exists (select from app_public.sync_settings s where s.user_id = p_user_id)
    and not exists (select from app_public.notifications n where n.user_id = p_user_id)
  then
    raise exception 'Nothing is stored of such a user.' using errcode = 'NTFND';
  end if;
  v_receipt := app_private.erase_user(p_user_id);
  perform app_private.note_admin_action('erase_user', p_reason, p_after => jsonb_build_object('receipt', v_receipt));
  return v_receipt;
end
$$;
