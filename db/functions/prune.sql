-- Throws away what is older than app_private.retention says: one batch of each kind, at most p_limit rows. Answers how much went, a
-- row a kind that is not kept for ever; who gets a full batch calls again. Each call is its own transaction, so that a night's pruning
-- may stop anywhere and goes on the next time, and no lock or snapshot lasts longer than a batch (5,000 rows: 30 to 150 ms).
--
-- sync_logs, webhooks and notifications grow in the order of their ids, so the oldest are found by the primary key, without
-- an index that each run would pay for. A run that is open, or not yet in run_rollups, stays.
create or replace function app_private.prune(p_limit integer default 5000) returns table (subject text, pruned integer)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  r record;
  v_before timestamptz;
  v_pruned integer;
begin
  for r in
    select * from app_private.retention where keep is not null order by subject for no key update skip locked
  loop
    v_before := app_private.clock() - r.keep;
    case r.subject
    when 'sync_logs' then
      with oldest as (
        select l.id, l.sync_started_at, l.status
        from app_public.sync_logs l
        where l.id <= (select s.runs_through from app_private.statistics s)
        order by l.id
        limit p_limit
      )
      delete from app_public.sync_logs l
      using oldest o
      where l.id = o.id and o.sync_started_at < v_before and o.status <> 'in_progress'
        and not exists (select from app_private.unfolded_runs u where u.run_id = l.id);
    when 'webhooks' then
      with oldest as (select w.id, w.received_at from app_private.webhooks w order by w.id limit p_limit)
      delete from app_private.webhooks w using oldest o where w.id = o.id and o.received_at < v_before;
    when 'notifications' then
      with oldest as (select n.id, n.created_at from app_public.notifications n order by n.id limit p_limit)
      delete from app_public.notifications n using oldest o where n.id = o.id and o.created_at < v_before;
    when 'transaction_revisions' then
      delete from app_public.transaction_revisions t
      where t.ctid = any (array(
        select o.ctid from app_public.transaction_revisions o where o.replaced_at < v_before limit p_limit
      ));
    when 'incidents' then
      delete from app_private.incidents i
      where i.id in (select o.id from app_private.incidents o where o.closed_at < v_before order by o.id limit p_limit);
    when 'admin_actions' then
      delete from app_private.admin_actions a
      where a.id in (select o.id from app_private.admin_actions o where o.done_at < clock_timestamp() - r.keep order by o.id limit p_limit);
    else
      delete from app_private.run_durations u
      where u.ctid = any (array(
        select o.ctid
        from app_private.run_durations o
        where o.grain = case r.subject
            when 'run_rollups_5_minutes' then interval '5 minutes' when 'run_rollups_hours' then '1 hour' else '1 day' end
          and o.starts_at < v_before
        limit p_limit
      ));
      delete from app_private.run_rollups u
      where u.ctid = any (array(
        select o.ctid
        from app_private.run_rollups o
        where o.grain = case r.subject
            when 'run_rollups_5_minutes' then interval '5 minutes' when 'run_rollups_hours' then '1 hour' else '1 day' end
          and o.starts_at < v_before
        limit p_limit
      ));
    end case;
    get diagnostics v_pruned = row_count;
    if v_pruned > 0 then
      update app_private.retention t
      set pruned_at = clock_timestamp(), pruned = t.pruned + v_pruned
      where t.subject = r.subject;
    end if;
    return query select r.subject, v_pruned;
  end loop;
end
$$;
