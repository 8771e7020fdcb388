-- How often an account is synced: the operator's word over the user's over the account's activity over the default.
--
-- p_activity counts the new transactions of the last 28 days, up to 12. Quieter accounts are looked at less often:
--   12 (3 a week or more), or not known yet → every interval; 2 to 11 → every second; 0 or 1 → every third.
-- An interval that a person chose is never stretched.
create or replace function app_private.sync_interval(
  p_admin_account interval, p_admin_platform interval, p_user interval, p_activity smallint, p_default interval
) returns interval
language sql immutable parallel safe
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    p_admin_account,
    p_admin_platform,
    p_user,
    p_default * case when p_activity is null or p_activity >= 12 then 1 when p_activity >= 2 then 2 else 3 end
  );
$$;
