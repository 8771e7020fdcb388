-- Accounts were found to need their owners. p_detected: [{"accountId", "runId"?}]. Opens an episode for each, unless one is
-- open. One that was over for less than 24 hours goes on: a link that comes and goes is one trouble, and its owner was told
-- of it. What had not reached them yet by the time it was over is on its way again. Who is told is tell_episodes' affair.
create or replace function app_private.open_episodes(p_detected json) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_relapsed bigint[];
  v_revived uuid[];
begin
  with relapsed as (
    update app_private.auth_episodes e
    set recovered_at = null, closed_by = null, reopened_at = v_now, relapses = e.relapses + 1
    from json_to_recordset(p_detected) as d ("accountId" uuid)
    where e.id = (select max(l.id) from app_private.auth_episodes l where l.account_id = d."accountId")
      and e.closed_by = 'sync' and e.recovered_at > v_now - interval '24 hours'
    returning e.id
  )
  select array_agg(r.id) into v_relapsed from relapsed r;

  insert into app_private.auth_episodes (account_id, detected_at, detected_by)
  select d."accountId", v_now, d."runId"
  from json_to_recordset(p_detected) as d ("accountId" uuid, "runId" bigint)
  on conflict (account_id) where recovered_at is null do nothing;

  if v_relapsed is null then
    return;
  end if;
  -- Whoever is calling one off at this moment decides before we look (begin_deliveries).
  perform
  from app_private.deliveries d
  join app_public.notifications n on n.id = d.notification_id
  where n.episode_id = any (v_relapsed)
  order by d.id
  for no key update of d;
  with revived as (
    update app_private.deliveries d
    set outcome = null, finished_at = null, code = null, reason = null, next_attempt_at = v_now,
      expires_at = greatest(d.expires_at, v_now + interval '1 day')
    from app_public.notifications n
    where n.episode_id = any (v_relapsed) and n.kind in ('reauth_required', 'reauth_reminder')
      and d.notification_id = n.id and d.outcome = 'superseded'
    returning d.id
  )
  select array_agg(r.id) into v_revived from revived r;
  perform app_private.enqueue_deliveries(v_revived);
end
$$;
