-- Brings the numbers behind the views up to date at once, instead of within five minutes. Answers the runs that were added
-- up, the accounts that were counted and the gaps that were found.
create or replace function app_admin.count_now() returns table (runs_folded integer, accounts_counted integer, gaps_found integer)
language plpgsql security definer -- app_admin reads no tables
set search_path = pg_catalog, pg_temp
as $$
declare
  v record;
begin
  runs_folded := 0;
  loop
    select f.folded, f.more into v from app_private.fold_runs() f;
    runs_folded := runs_folded + v.folded;
    exit when not v.more;
  end loop;
  accounts_counted := app_private.count_accounts();
  gaps_found := app_private.find_coverage_gaps();
  return next;
end
$$;
