-- Keeps what the operator's views read up to date: runs at every call, accounts every five minutes, gaps every hour (machine
-- time). Answers what was done, and whether more runs wait to be added up: then call again.
create or replace function app_private.update_statistics()
returns table (runs_folded integer, more boolean, accounts_counted integer, gaps_found integer)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_before app_private.statistics;
begin
  select * into v_before from app_private.statistics;
  select f.folded, f.more into runs_folded, more from app_private.fold_runs() f;
  if not more and coalesce(v_before.accounts_counted_at < clock_timestamp() - interval '290 seconds', true) then
    accounts_counted := app_private.count_accounts();
  end if;
  if not more and coalesce(v_before.gaps_found_at < clock_timestamp() - interval '59 minutes', true) then
    gaps_found := app_private.find_coverage_gaps();
  end if;
  return next;
end
$$;
