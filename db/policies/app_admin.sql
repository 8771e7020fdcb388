-- The operator: views and admin functions, no tables.
grant usage on schema app_admin to app_admin;
grant execute on function
  app_admin.override_platform_interval(app_public.platform_source, interval),
  app_admin.override_account_interval(uuid, interval)
to app_admin;
grant select on app_admin.late_accounts to app_admin;
