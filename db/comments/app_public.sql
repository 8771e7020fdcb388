-- What people read about the public schema, in psql and in the GraphQL API alike: server/schema.graphql takes its
-- descriptions from here, and a test asks for every one of them.
--
-- Tags at the beginning of a comment are for the API. `@value name text` tells an enum's value, which Postgres has no
-- comment for; `@param name text` a function's argument (those stand in the functions' own files); `@notNull` what the
-- catalogue cannot know of a composite type.

comment on type app_public.platform_source is
  E'@value mono Bank accounts, by Mono.\n'
  '@value mtn_momo Mobile money, by the MTN MoMo API.\n'
  'The platform that an account is linked and synced through.';
comment on type app_public.account_type is
  E'@value bank An account at a bank.\n'
  '@value mobile_money A mobile-money wallet.\n'
  'What kind of account it is.';
comment on type app_public.sync_status is
  E'@value active Syncs work.\n'
  '@value auth_required The provider wants its owner: the consent or the key must be renewed.\n'
  '@value error Three syncs in a row failed, or one failed for good. Syncs go on.\n'
  'Whether an account can be synced.';
comment on type app_public.sync_log_status is
  E'@value in_progress The run is open: a worker is at it, or it waits for the provider.\n'
  '@value success The run brought the account up to date.\n'
  '@value failed The run failed; failureKind says how.\n'
  '@value auth_error The provider refused the link.\n'
  'How a run stands or ended.';
comment on type app_public.sync_trigger is
  E'@value schedule Its time had come.\n'
  '@value user Its owner asked for it.\n'
  '@value webhook The provider told of a change.\n'
  '@value backend An app''s backend asked for it.\n'
  '@value manual An operator asked for it.\n'
  'What made a run begin.';
comment on type app_public.transaction_source is
  E'@value mono Mono''s list of transactions.\n'
  '@value collections MoMo requests that an app made and asked us to follow.\n'
  '@value statement The wallet''s statement (MADAPI).\n'
  'Where a transaction was read.';
comment on type app_public.transaction_status is
  E'@value pending Not settled yet.\n'
  '@value posted Settled.\n'
  '@value failed It did not go through.\n'
  '@value removed The provider no longer returns it.\n'
  'How far a transaction has come.';
comment on type app_public.transaction_direction is
  E'@value credit Money came in.\n'
  '@value debit Money went out.\n'
  'Whether money came or went.';
comment on type app_public.revision_kind is
  E'@value changed The provider told it differently.\n'
  '@value removed The provider no longer returned it.\n'
  '@value restored The provider returned it again.\n'
  '@value reissued The provider gave it a new id.\n'
  'What replaced an earlier version of a transaction.';
comment on type app_public.failure_kind is
  E'@value transient Something that passes: a time-out, a dropped connection.\n'
  '@value rate_limited The provider asked us to slow down.\n'
  '@value auth_required The provider wants the account''s owner.\n'
  '@value account_gone The provider does not know the account any more.\n'
  '@value provider_down The provider, or the bank behind it, is down.\n'
  '@value invalid_response The provider''s answer made no sense.\n'
  '@value configuration Our own key or settings are wrong; nobody''s account is to blame.\n'
  '@value interrupted The run was cut off, by a restart say. It counts in no failure rate.\n'
  'Why a run failed.';
comment on type app_public.sync_request_outcome is
  E'@value queued A sync was queued, first in line.\n'
  '@value already_running A sync is running; it brings what this one would.\n'
  '@value cooling_down Too soon after the last attempt.\n'
  '@value needs_you The link needs its owner.\n'
  '@value paused The account, or its platform, is paused.\n'
  '@value provider_down The provider, or the bank behind it, is down.\n'
  'What became of a request for a sync.';
comment on type app_public.notification_kind is
  E'@value reauth_required The account needs its owner.\n'
  '@value reauth_reminder The account still needs its owner.\n'
  '@value recovered The account works again.\n'
  '@value sync_failing The account keeps failing for a reason that its owner need not mend.\n'
  '@value provider_down The bank or the platform is down.\n'
  '@value provider_recovered The bank or the platform is back.\n'
  'What a notification tells.';
comment on type app_public.notification_channel is
  E'@value in_app The feed; it is always kept.\n'
  '@value onesignal Pushes of the app, by OneSignal.\n'
  '@value web_push Pushes of a browser.\n'
  'A way to be told.';
comment on type app_public.notification_language is
  E'@value en English.\n'
  '@value fr French.\n'
  'A language that notifications are written in.';
comment on type app_public.sync_phase is
  E'@value never_synced No sync has succeeded yet.\n'
  '@value up_to_date The last sync succeeded, and the next one is not due yet.\n'
  '@value queued A sync is due and waits for a worker.\n'
  '@value running A sync is running.\n'
  '@value waiting A sync is open and waits for the provider, which may take minutes.\n'
  '@value retrying The last sync failed; the next attempt has a time.\n'
  '@value needs_you The link needs its owner.\n'
  '@value provider_down The provider, or the bank behind it, is down.\n'
  '@value paused The account, or its platform, is paused.\n'
  '@value unlinked The account is linked no longer.\n'
  'Where an account stands right now, in one word for people.';

comment on table app_public.accounts is 'A linked bank or mobile-money account and how fresh we know it to be.';
comment on column app_public.accounts.id is 'Our id of the account.';
comment on column app_public.accounts.user_id is 'Its owner.';
comment on column app_public.accounts.account_name is 'What its owner calls it.';
comment on column app_public.accounts.account_type is 'Bank account or mobile-money wallet.';
comment on column app_public.accounts.platform_source is 'The platform it is synced through.';
comment on column app_public.accounts.currency is 'ISO 4217 code of balance and transactions.';
comment on column app_public.accounts.balance is 'Exact, in major units of currency. Null until the provider has told it.';
comment on column app_public.accounts.balance_as_of is 'The moment the balance speaks for.';
comment on column app_public.accounts.mono_account_id is 'Mono''s id of the account. Null for a wallet.';
comment on column app_public.accounts.mtn_reference_id is 'The id of the wallet''s MoMo API user. Null for a bank account.';
comment on column app_public.accounts.institution is 'The bank, or the operator of the wallet.';
comment on column app_public.accounts.sync_status is 'Whether it can be synced.';
comment on column app_public.accounts.last_synced_at is 'When a sync last succeeded. A run that failed, was rate-limited or found the link expired never moves it.';
comment on column app_public.accounts.last_sync_attempt is 'When the sync that ended last had begun, whatever came of it.';
comment on column app_public.accounts.data_as_of is 'The moment the provider''s data speaks for: its cache may be older than our sync.';
comment on column app_public.accounts.coverage_through is 'The last day, in the provider''s calendar, up to which history is known complete without a gap. Null where the source cannot list transactions.';
comment on column app_public.accounts.linked_at is 'When it was linked, or linked again.';
comment on column app_public.accounts.unlinked_at is 'When it was unlinked; null while it is linked.';
comment on column app_public.accounts.paused_at is 'When its syncs were paused; null while they go on.';

comment on table app_public.sync_settings is 'How often, and when, a user wants the accounts of a platform synced.';
comment on column app_public.sync_settings.user_id is 'Whose choice it is.';
comment on column app_public.sync_settings.platform_source is 'The platform whose accounts it is for.';
comment on column app_public.sync_settings.sync_interval is 'How often. Null: as often as the account''s activity asks for.';
comment on column app_public.sync_settings.preferred_hour is 'Hour of the day in timeZone, for intervals of a day or more. Null: when it suits the platform.';
comment on column app_public.sync_settings.time_zone is 'IANA name, such as Africa/Lagos. Null: the platform''s.';
comment on column app_public.sync_settings.notifications_enabled is 'Whether the user wants to be notified about this platform''s accounts.';

comment on table app_public.sync_logs is 'One attempt to bring an account up to date: what was looked at, found, changed and refused, and when the next one comes.';
comment on column app_public.sync_logs.id is 'Runs are numbered as they begin.';
comment on column app_public.sync_logs.account_id is 'The account that was synced.';
comment on column app_public.sync_logs.user_id is 'Its owner.';
comment on column app_public.sync_logs.platform_source is 'The platform that was asked.';
comment on column app_public.sync_logs.trigger is 'What made it begin.';
comment on column app_public.sync_logs.status is 'How it stands or ended.';
comment on column app_public.sync_logs.sync_started_at is 'When it began.';
comment on column app_public.sync_logs.sync_completed_at is 'When it ended; null while it is open.';
comment on column app_public.sync_logs.transactions_synced is 'New and changed transactions.';
comment on column app_public.sync_logs.pages is 'Pages that were read; while it is open, as of the last page that brought something.';
comment on column app_public.sync_logs.seen_count is 'Transactions that the provider sent.';
comment on column app_public.sync_logs.new_count is 'Transactions that were new.';
comment on column app_public.sync_logs.changed_count is 'Transactions that had changed.';
comment on column app_public.sync_logs.unchanged_count is 'Transactions that were known already.';
comment on column app_public.sync_logs.removed_count is 'Transactions that the provider no longer returned.';
comment on column app_public.sync_logs.refused_count is 'Transactions that could not be trusted and were left out.';
comment on column app_public.sync_logs.refusals is 'Transactions that could not be trusted, counted by reason.';
comment on column app_public.sync_logs.windows is 'The days that were asked for, with pages and whether they were complete.';
comment on column app_public.sync_logs.requests is 'Requests that were sent to the provider.';
comment on column app_public.sync_logs.failure_kind is 'Why it failed; null for a success.';
comment on column app_public.sync_logs.error_message is 'What went wrong, in a sentence without personal data.';
comment on column app_public.sync_logs.platform_specific_error is 'The provider''s own code, redacted.';
comment on column app_public.sync_logs.next_sync_at is 'When the next run was due, as decided when this one ended.';

comment on table app_public.transactions is 'A transaction as its provider last told it, with what the user added.';
comment on column app_public.transactions.id is 'Our id of the transaction; it stays when the provider''s changes.';
comment on column app_public.transactions.account_id is 'The account it belongs to.';
comment on column app_public.transactions.user_id is 'The account''s owner.';
comment on column app_public.transactions.source is 'Where it was read.';
comment on column app_public.transactions.provider_transaction_id is 'Mono''s transaction id, MoMo''s reference id, or the fingerprint of a statement row.';
comment on column app_public.transactions.status is 'How far it has come. REMOVED: the provider no longer returns it.';
comment on column app_public.transactions.direction is 'Whether money came or went.';
comment on column app_public.transactions.amount is 'Exact, in major units, never negative: direction carries the sign.';
comment on column app_public.transactions.currency is 'ISO 4217 code.';
comment on column app_public.transactions.occurred_at is 'When it took place, as the provider tells it.';
comment on column app_public.transactions.occurred_on is 'The provider''s calendar day, which its date filters go by.';
comment on column app_public.transactions.narration is 'The provider''s words for it.';
comment on column app_public.transactions.provider_category is 'The provider''s category.';
comment on column app_public.transactions.balance_after is 'The account''s balance after it, where the provider tells it.';
comment on column app_public.transactions.counterparty is 'The other side, where the provider tells it.';
comment on column app_public.transactions.category is 'Set by the user; never overwritten by a sync.';
comment on column app_public.transactions.note is 'Set by the user; never overwritten by a sync.';
comment on column app_public.transactions.first_seen_at is 'When a sync first saved it.';
comment on column app_public.transactions.changed_at is 'When a sync last changed it; null while it is as it was first seen.';
comment on column app_public.transactions.run_id is 'The run that last wrote it.';
comment on column app_public.transactions.revision is 'Which version this is, from 1.';

comment on table app_public.transaction_revisions is 'An earlier version of a transaction, kept when a sync changed it.';
comment on column app_public.transaction_revisions.transaction_id is 'The transaction as it is now.';
comment on column app_public.transaction_revisions.revision is 'Which version this was, from 1.';
comment on column app_public.transaction_revisions.user_id is 'The account''s owner.';
comment on column app_public.transaction_revisions.kind is 'What replaced this version: a change, a removal, a return, or the same transaction under a new provider id.';
comment on column app_public.transaction_revisions.replaced_at is 'When it was replaced.';
comment on column app_public.transaction_revisions.replaced_by_run is 'The run that replaced it.';
comment on column app_public.transaction_revisions.provider_transaction_id is 'The provider''s id at that time.';
comment on column app_public.transaction_revisions.status is 'The status at that time.';
comment on column app_public.transaction_revisions.direction is 'The direction at that time.';
comment on column app_public.transaction_revisions.amount is 'The amount at that time: exact, in major units, never negative.';
comment on column app_public.transaction_revisions.currency is 'The currency at that time.';
comment on column app_public.transaction_revisions.occurred_at is 'When it took place, as the provider told it then.';
comment on column app_public.transaction_revisions.occurred_on is 'The provider''s calendar day at that time.';
comment on column app_public.transaction_revisions.narration is 'The provider''s words at that time.';
comment on column app_public.transaction_revisions.provider_category is 'The provider''s category at that time.';
comment on column app_public.transaction_revisions.balance_after is 'The balance after it, as the provider told it then.';
comment on column app_public.transaction_revisions.counterparty is 'The other side, as the provider told it then.';

comment on table app_public.notifications is 'Something that a user was told: an entry of the feed.';
comment on column app_public.notifications.id is 'Notifications are numbered as they are written.';
comment on column app_public.notifications.user_id is 'Who was told.';
comment on column app_public.notifications.account_id is 'The account it is about; null where it is about a platform.';
comment on column app_public.notifications.platform_source is 'The platform it is about.';
comment on column app_public.notifications.kind is 'What it tells.';
comment on column app_public.notifications.episode_id is 'The stretch of needed re-authentication that it belongs to.';
comment on column app_public.notifications.incident_id is 'The outage that it belongs to.';
comment on column app_public.notifications.params is 'What its sentence needs, by name. No personal data.';
comment on column app_public.notifications.created_at is 'When it was written.';
comment on column app_public.notifications.read_at is 'When it was marked as read; null while it is unread.';

comment on table app_public.notification_settings is 'How a user wants to be told. Null: no choice made.';
comment on column app_public.notification_settings.user_id is 'Whose choice it is.';
comment on column app_public.notification_settings.language is 'The language of pushes and of the feed.';
comment on column app_public.notification_settings.time_zone is 'The zone of the quiet hours, an IANA name.';
comment on column app_public.notification_settings.quiet_hours is 'Whether pushes wait for the end of the quiet hours.';
comment on column app_public.notification_settings.quiet_from is 'When the quiet hours begin.';
comment on column app_public.notification_settings.quiet_to is 'When the quiet hours end.';
comment on column app_public.notification_settings.paused is 'No push at all.';
comment on column app_public.notification_settings.tell_recovery is 'Whether to tell that an account works again.';
comment on table app_public.notification_channels is 'Whether a user wants pushes about a platform over a channel.';
comment on column app_public.notification_channels.user_id is 'Whose choice it is.';
comment on column app_public.notification_channels.platform_source is 'The platform that it is about.';
comment on column app_public.notification_channels.channel is 'The channel.';
comment on column app_public.notification_channels.enabled is 'Whether it pushes.';
comment on table app_public.push_subscriptions is 'A browser that is notified by web push.';
comment on column app_public.push_subscriptions.id is 'Our id of the subscription.';
comment on column app_public.push_subscriptions.user_id is 'Whose browser it is.';
comment on column app_public.push_subscriptions.endpoint is 'Where its push service takes messages; by it a browser recognises its own.';
comment on column app_public.push_subscriptions.p256dh is 'The browser''s public key.';
comment on column app_public.push_subscriptions.auth is 'The browser''s secret.';
comment on column app_public.push_subscriptions.saved_at is 'When the browser last said that it wants pushes.';
comment on column app_public.push_subscriptions.last_delivered_at is 'When a push service last took a message for it.';

comment on type app_public.notification_channel_choice is 'Whether a channel pushes what concerns a platform.';
comment on column app_public.notification_channel_choice.platform_source is E'@notNull\nThe platform.';
comment on column app_public.notification_channel_choice.channel is E'@notNull\nThe channel.';
comment on column app_public.notification_channel_choice.enabled is E'@notNull\nWhether it pushes.';
comment on type app_public.notification_preferences is 'How you want to be notified.';
comment on column app_public.notification_preferences.language is E'@notNull\nThe language of pushes and of the feed.';
comment on column app_public.notification_preferences.time_zone is E'@notNull\nThe zone of the quiet hours, an IANA name.';
comment on column app_public.notification_preferences.quiet_hours is E'@notNull\nWhether pushes wait for the end of the quiet hours. The feed never waits.';
comment on column app_public.notification_preferences.quiet_from is E'@notNull\nWhen the quiet hours begin, as HH:MM.';
comment on column app_public.notification_preferences.quiet_to is E'@notNull\nWhen the quiet hours end, as HH:MM; earlier than their beginning means the next morning.';
comment on column app_public.notification_preferences.paused is E'@notNull\nWhether everything is paused: no push at all. The feed goes on.';
comment on column app_public.notification_preferences.tell_recovery is E'@notNull\nWhether you are told when an account that needed you works again.';
comment on column app_public.notification_preferences.channels is E'@notNull\nWhich channels push, platform by platform.';

comment on type app_public.sync_request is 'The answer to a request for a sync now, and until when it stands.';
comment on column app_public.sync_request.outcome is E'@notNull\nWhat became of the request.';
comment on column app_public.sync_request.until is 'Until when that stands; null where it has no known end.';
comment on type app_public.account_sync_request is 'What became of one account in a request for all.';
comment on column app_public.account_sync_request.account_id is E'@notNull\nThe account.';
comment on column app_public.account_sync_request.outcome is E'@notNull\nWhat became of the request.';
comment on column app_public.account_sync_request.until is 'Until when that stands; null where it has no known end.';

comment on type app_public.day_span is 'Days from one to another, both included, in the provider''s calendar.';
comment on column app_public.day_span.from_day is E'@notNull\nThe first day.';
comment on column app_public.day_span.to_day is E'@notNull\nThe last day.';

comment on column app_public.account_sync_states.account_id is 'The account.';
comment on column app_public.account_sync_states.phase is E'@notNull\nWhere the account stands, in one word.';
comment on column app_public.account_sync_states.next_sync_at is 'When the next sync is due; null while one is open, and for an account that is not synced.';
comment on column app_public.account_sync_states.waiting_until is 'When the open sync asks the provider again; null unless it waits.';
comment on column app_public.account_sync_states.cooling_down_until is 'When "Sync now" may be asked again; null when it may.';
comment on column app_public.account_sync_states.retrying_at is 'When a sync that failed is tried again; null unless one has failed.';
comment on column app_public.account_sync_states.provider_down_until is 'When the provider, or the bank behind it, is tried again; null unless it is down.';
comment on column app_public.account_sync_states.paused_until is 'When the pause ends; null where there is none, or none that ends.';
comment on column app_public.account_sync_states.failures is E'@notNull\nFailures in a row.';
comment on column app_public.account_sync_states.last_failure_kind is 'What the last sync failed of; null after a success.';
comment on column app_public.account_sync_states.run_started_at is 'When the open sync began; null when none is open.';
comment on column app_public.account_sync_states.run_pages is 'Pages that the open sync has read, as of the last that brought something.';
comment on column app_public.account_sync_states.run_transactions is 'New and changed transactions of the open sync so far.';
comment on column app_public.account_sync_states.windows_left is 'Windows of days that are still to be read in the open sync; the latest days are always among them.';
comment on column app_public.account_sync_states.open_references is E'@notNull\nMoMo references that are not settled yet.';
comment on column app_public.account_sync_states.history_start is 'The first day that we want to know of. Null where the source cannot list transactions.';
comment on column app_public.account_sync_states.settled is E'@notNull\nDays that are known complete, oldest first.';
comment on column app_public.account_sync_states.gaps is E'@notNull\nDays that are missing before the last settled one, oldest first. They are fetched by the next sync.';

comment on type app_public.platform_status is 'How your accounts of one platform are doing.';
comment on column app_public.platform_status.platform_source is E'@notNull\nThe platform.';
comment on column app_public.platform_status.label is E'@notNull\nWhat people call it.';
comment on column app_public.platform_status.synced_via is E'@notNull\n"Last synced via Mono" or "Last synced via MTN MoMo API".';
comment on column app_public.platform_status.accounts is E'@notNull\nHow many accounts you have linked there.';
comment on column app_public.platform_status.active_accounts is E'@notNull\nHow many of them can be synced.';
comment on column app_public.platform_status.auth_required_accounts is E'@notNull\nHow many of them need you.';
comment on column app_public.platform_status.error_accounts is E'@notNull\nHow many of them keep failing.';
comment on column app_public.platform_status.running_accounts is E'@notNull\nHow many of them are being synced.';
comment on column app_public.platform_status.last_synced_at is 'When a sync last succeeded.';
comment on column app_public.platform_status.last_sync_attempt is 'When a sync last began.';
comment on column app_public.platform_status.next_sync_at is 'When the next sync is due.';
comment on column app_public.platform_status.success_rate is 'Share of the last 30 days'' runs that succeeded, 0 to 1; null without runs. Interrupted ones do not count.';
comment on column app_public.platform_status.median_duration_seconds is 'Median duration of the last 30 days'' runs; null without runs.';
comment on column app_public.platform_status.paused_until is 'When the platform''s pause ends; null where there is none, or none that ends.';
comment on column app_public.platform_status.provider_down_until is 'When the platform is tried again; null unless it is down.';
