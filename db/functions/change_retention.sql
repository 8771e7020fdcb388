-- How long a kind of thing is kept, from the next night on; null, or 0, keeps it for ever. What is gone cannot be brought back.
-- Raises NTFND for a kind that is not in app_admin.retention, SETNV for less than its least or more than 100 years,
-- OPSNR.
create or replace function app_admin.change_retention(p_subject text, p_keep interval, p_reason text) returns void
language plpgsql security definer -- app_admin writes no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v_keep interval := nullif(p_keep, interval '0');
  r app_private.retention;
begin
  select * into r from app_private.retention where subject = p_subject for no key update;
  if r.subject is null then
    raise exception 'There is no such kind of thing; app_admin.retention lists them.' using errcode = 'NTFND';
  end if;
  if v_keep < r.at_least then
    raise exception 'Keep % for % at least.', p_subject, r.at_least using errcode = 'SETNV';
  end if;
  -- What no calendar can subtract would end every night's pruning, of all kinds.
  if v_keep > interval '100 years' then
    raise exception 'Say null to keep % for ever; a time to keep them is 100 years at most.', p_subject using errcode = 'SETNV';
  end if;
  perform app_private.note_admin_action(
    'change_retention', p_reason, jsonb_build_object('subject', p_subject, 'keep', r.keep),
    jsonb_build_object('subject', p_subject, 'keep', v_keep));
  update app_private.retention set keep = v_keep where subject = p_subject;
end
$$;
