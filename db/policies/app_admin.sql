-- The operator: views and admin functions, no tables.
grant usage on schema app_admin to app_admin;
grant execute on function
  app_admin.count_now(),
  app_admin.override_platform_interval(app_public.platform_source, interval, text),
  app_admin.override_account_interval(uuid, interval, text),
  app_admin.pause_platform(app_public.platform_source, text, timestamptz),
  app_admin.resume_platform(app_public.platform_source, text),
  app_admin.pause_institution(app_public.platform_source, text, text, timestamptz),
  app_admin.resume_institution(app_public.platform_source, text, text),
  app_admin.pause_user(uuid, text, timestamptz),
  app_admin.resume_user(uuid, text),
  app_admin.pause_account(uuid, text),
  app_admin.resume_account(uuid, text),
  app_admin.change_quota(app_public.platform_source, text, integer, interval, numeric),
  app_admin.lift_quota(app_public.platform_source, text),
  app_admin.change_refresh_cap(app_public.platform_source, integer, text),
  app_admin.change_sync_window(app_public.platform_source, text, integer, interval, text),
  app_admin.retry_account(uuid, text),
  app_admin.retry_failing(app_public.platform_source, text, text),
  app_admin.backfill_account(uuid, date, text),
  app_admin.close_incident(bigint, text),
  app_admin.erase_user(uuid, text),
  app_admin.change_retention(text, interval, text)
to app_admin;
-- What views call is called by whoever reads them. It answers nothing that the views do not tell.
grant execute on function
  app_private.clock(),
  app_private.duration_quantile(smallint[], numeric[], double precision),
  app_private.quota_slots(numeric),
  app_private.quota_learned(app_private.quotas),
  app_private.window_forecast(app_public.platform_source)
to app_admin;
grant select on
  app_admin.platform_health,
  app_admin.late_accounts,
  app_admin.failing_accounts,
  app_admin.institution_health,
  app_admin.incidents,
  app_admin.sync_windows,
  app_admin.queue,
  app_admin.workers,
  app_admin.quota,
  app_admin.coverage_gaps,
  app_admin.webhook_inbox,
  app_admin.upcoming,
  app_admin.run_history,
  app_admin.pauses,
  app_admin.admin_actions,
  app_admin.auth_episodes,
  app_admin.retention,
  app_admin.reschedulings,
  app_admin.deliveries
to app_admin;
