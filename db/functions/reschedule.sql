-- As it was before p_spread. Here and not in a migration: calls find one or the other at any moment.
drop function if exists app_private.reschedule(uuid[]);

-- Schedules accounts anew after somebody's choice changed. Accounts whose run is open, that are due anyway, or that wait
-- out a failure keep their time: their next finish follows the new choice. An open reference is asked for no later.
--
-- An account whose moment under the new choice has passed is due at once. With p_spread it is due within a sync window's
-- length, at its own share of it: a platform's accounts would all be due in one moment, and stand in line for hours.
create or replace function app_private.reschedule(p_account_ids uuid[], p_spread boolean default false) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_count integer;
begin
  update app_private.sync_states s
  set next_sync_at = least(
    case
      when not p_spread or n.at > v_now then n.at
      -- No later than it was to be, nor than it would be after a sync now.
      else least(
        s.next_sync_at,
        (
          select v_now + p.sync_window * app_private.stable_jitter(l.login_key)
          from app_private.links l
          join app_private.platforms p on p.platform_source = s.platform_source
          where l.account_id = s.account_id
        ),
        app_private.schedule(s.account_id, v_now)
      )
    end,
    (select min(t.next_poll_at) from app_private.tracked_references t where t.account_id = s.account_id)
  )
  from app_public.accounts a
  -- In from, so that it is asked once.
  cross join lateral app_private.schedule(a.id, coalesce(a.last_sync_attempt, v_now)) as n (at)
  where s.account_id = any (p_account_ids) and a.id = s.account_id and a.unlinked_at is null
    -- A failure that does not count (429) is waited out as well, and so is the proof of a consent that was renewed.
    and s.run_id is null and s.failures = 0 and s.last_failure_kind is null and s.next_sync_at > v_now;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;
