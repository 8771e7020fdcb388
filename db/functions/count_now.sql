-- Brings the numbers behind the views up to date at once, instead of within five minutes. Answers the runs that were added
-- up, the accounts that were counted and the gaps that were found. Of runs 100,000 at most, in one go: folding batch after
-- batch in one transaction would update the same rows again and again. The task does the rest.
create or replace function app_admin.count_now() returns table (runs_folded integer, accounts_counted integer, gaps_found integer)
language sql security definer -- app_admin reads no tables
set search_path = pg_catalog, pg_temp
as $$
  select (select f.folded from app_private.fold_runs(100000) f), app_private.count_accounts(), app_private.find_coverage_gaps();
$$;
