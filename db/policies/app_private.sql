-- Machinery. Row level security stands on every table with no policy: only its owner, and thereby the verbs, get through.
-- The worker executes verbs and reads nothing.
grant usage on schema app_private to app_worker, app_service, app_authenticator;

grant execute on function
  app_private.clock(),
  app_private.enqueue_due_syncs(app_public.platform_source, integer, text),
  app_private.begin_syncs(app_public.platform_source, text, json),
  app_private.resume_syncs(app_public.platform_source, text, json),
  app_private.suspend_syncs(json),
  app_private.save_transactions(json),
  app_private.finish_syncs(json),
  app_private.record_sync_failures(json),
  app_private.beat(text, text, uuid[], bigint[]),
  app_private.clean_up(),
  app_private.update_statistics(),
  app_private.process_webhooks(integer),
  app_private.draw_quota(app_public.platform_source, integer, boolean),
  app_private.teach_quota(app_public.platform_source, interval),
  app_private.stop_worker(text),
  app_private.wallet_token(text),
  app_private.store_wallet_token(text, text, bytea, timestamptz),
  app_private.forget_wallet_token(text, bytea),
  app_private.claim_key_renewal(uuid, bigint, integer, uuid),
  app_private.store_renewed_key(uuid, json, text),
  app_private.release_key_renewal(uuid),
  app_private.list_credentials_to_reseal(text, integer),
  app_private.reseal_credentials(json),
  app_private.list_key_checks(),
  app_private.put_key_check(text, bytea),
  app_private.match_link(uuid, app_public.platform_source, text, bytea),
  app_private.link_account(json),
  app_private.track_reference(uuid, uuid, text, timestamptz, text, text),
  app_private.identity_key(),
  app_private.put_identity_key(text, bytea, bytea),
  app_private.begin_unlinkings(app_public.platform_source[], uuid, integer),
  app_private.confirm_unlinkings(json),
  app_private.record_unlink_failures(json),
  app_private.complete_erasures(),
  app_private.list_push_services(),
  app_private.read_gauges()
to app_worker;

grant execute on function
  app_private.clock(),
  app_private.draw_quota(app_public.platform_source, integer, boolean),
  app_private.teach_quota(app_public.platform_source, interval),
  app_private.match_link(uuid, app_public.platform_source, text, bytea),
  app_private.link_account(json),
  app_private.track_reference(uuid, uuid, text, timestamptz, text, text),
  app_private.standing_link(uuid, app_public.platform_source, text),
  app_private.list_key_checks(),
  app_private.put_key_check(text, bytea),
  app_private.list_accounts(uuid, app_public.platform_source, uuid, integer),
  app_private.request_account_sync(uuid),
  app_private.request_syncs(app_public.platform_source),
  app_private.receive_webhooks(json),
  app_private.identity_key(),
  app_private.put_identity_key(text, bytea, bytea),
  app_private.reauth_target(uuid),
  app_private.keep_reauth_link(uuid, text, bytea),
  app_private.record_tap(uuid),
  app_private.unlink_accounts(uuid[]),
  app_private.erase_user(uuid),
  app_private.erasure_report(uuid),
  app_private.export_user(uuid)
to app_service;

grant execute on function app_private.readiness(), app_private.applied_migrations(), app_private.read_gauges() to app_authenticator;
