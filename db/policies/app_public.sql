-- What a signed-in user may see and do. A visitor reads own rows; everything that writes goes through a verb, except the
-- user's own layer of a transaction.
grant usage on schema app_public to app_visitor, app_service, app_admin, app_worker;
grant execute on function app_public.current_user_id() to app_visitor, app_service, app_admin, app_worker;

-- accounts: read. No insert (app_private.link_account), no update, no delete (app_public.unlink_account keeps the row, erase_my_data drops it).
drop policy if exists select_own on app_public.accounts;
create policy select_own on app_public.accounts for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.accounts to app_visitor;

-- account_sync_states: read. The function behind it says whose; a view's reader must be allowed to call what it calls.
grant select on app_public.account_sync_states to app_visitor;
grant execute on function app_private.account_sync_states() to app_visitor;

-- Unlinks, and asks to be forgotten or told everything; the functions ask whose accounts they are.
grant execute on function
  app_public.unlink_account(uuid),
  app_public.erase_my_data(),
  app_public.export_my_data()
to app_visitor;

-- sync_logs: read.
drop policy if exists select_own on app_public.sync_logs;
create policy select_own on app_public.sync_logs for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.sync_logs to app_visitor;

-- sync_settings: read. Changed by app_public.choose_sync_settings, which schedules anew as well.
drop policy if exists select_own on app_public.sync_settings;
create policy select_own on app_public.sync_settings for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.sync_settings to app_visitor;

-- transactions: read, and write one's own category and note. No insert, no delete: the provider's rows are a record.
drop policy if exists select_own on app_public.transactions;
create policy select_own on app_public.transactions for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
drop policy if exists update_own on app_public.transactions;
create policy update_own on app_public.transactions for update to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select, update (category, note) on app_public.transactions to app_visitor;

-- transaction_revisions: read.
drop policy if exists select_own on app_public.transaction_revisions;
create policy select_own on app_public.transaction_revisions for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.transaction_revisions to app_visitor;

grant execute on function app_public.request_sync(uuid, text) to app_visitor;
grant execute on function app_public.choose_sync_settings(app_public.platform_source, interval, integer, text, boolean) to app_visitor;
grant execute on function app_public.request_all_syncs(text) to app_visitor;

-- notifications: read. Marked as read by app_public.mark_notifications_read; no delete, the feed is a record.
drop policy if exists select_own on app_public.notifications;
create policy select_own on app_public.notifications for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.notifications to app_visitor;
grant execute on function app_public.mark_notifications_read(bigint[]), app_public.unread_notifications() to app_visitor;

-- notification_settings, notification_channels: read. Changed by app_public.choose_notification_settings and
-- app_public.choose_notification_channel, which check what is chosen.
drop policy if exists select_own on app_public.notification_settings;
create policy select_own on app_public.notification_settings for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.notification_settings to app_visitor;
drop policy if exists select_own on app_public.notification_channels;
create policy select_own on app_public.notification_channels for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select on app_public.notification_channels to app_visitor;

-- push_subscriptions: read, without the keys. Written by app_public.save_push_subscription, which asks whose endpoint it is,
-- and deleted by app_public.remove_push_subscription, or by a push service that no longer knows it.
drop policy if exists select_own on app_public.push_subscriptions;
create policy select_own on app_public.push_subscriptions for select to app_visitor
  using (user_id = (select app_public.current_user_id()));
grant select (id, user_id, endpoint, saved_at, last_delivered_at) on app_public.push_subscriptions to app_visitor;

grant execute on function
  app_public.notification_preferences(),
  app_public.choose_notification_settings(app_public.notification_language, text, boolean, text, text, boolean, boolean),
  app_public.choose_notification_channel(app_public.platform_source, app_public.notification_channel, boolean),
  app_public.save_push_subscription(text, text, text),
  app_public.remove_push_subscription(text)
to app_visitor;

-- What is asked about one's own accounts beyond their rows; the functions ask whose they are.
grant execute on function
  app_public.accounts_latest_run(app_public.accounts),
  app_public.platform_sync_status()
to app_visitor;
