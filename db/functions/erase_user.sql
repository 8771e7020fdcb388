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
  perform graphile_worker.add_job('unlink_account', '{}', job_key => 'unlink_due_accounts', max_attempts => 3);
  return v_id;
end
$$;
