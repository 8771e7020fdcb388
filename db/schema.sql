-- Made by `npm run gen` from the migrations, functions, views and policies. Review it, do not edit it.

-- ---------------------------------------------------------------------------------------------------- app_public

create schema app_public;
grant usage on schema app_public to app_admin;
grant usage on schema app_public to app_service;
grant usage on schema app_public to app_visitor;
grant usage on schema app_public to app_worker;

create type app_public.account_sync_request as (
  account_id uuid,
  outcome app_public.sync_request_outcome,
  until timestamp with time zone
);
comment on type app_public.account_sync_request is 'What became of one account in a request for all.';

create type app_public.account_type as enum ('bank', 'mobile_money');
comment on type app_public.account_type is '@value bank An account at a bank.
@value mobile_money A mobile-money wallet.
What kind of account it is.';

create type app_public.day_span as (
  from_day date,
  to_day date
);
comment on type app_public.day_span is 'Days from one to another, both included, in the provider''s calendar.';

create type app_public.failure_kind as enum ('transient', 'rate_limited', 'auth_required', 'account_gone', 'provider_down', 'invalid_response', 'configuration', 'interrupted');
comment on type app_public.failure_kind is '@value transient Something that passes: a time-out, a dropped connection.
@value rate_limited The provider asked us to slow down.
@value auth_required The provider wants the account''s owner.
@value account_gone The provider does not know the account any more.
@value provider_down The provider, or the bank behind it, is down.
@value invalid_response The provider''s answer made no sense.
@value configuration Our own key or settings are wrong; nobody''s account is to blame.
@value interrupted The run was cut off, by a restart say. It counts in no failure rate.
Why a run failed.';

create type app_public.notification_channel as enum ('in_app', 'onesignal', 'web_push');
comment on type app_public.notification_channel is '@value in_app The feed; it is always kept.
@value onesignal Pushes of the app, by OneSignal.
@value web_push Pushes of a browser.
A way to be told.';

create type app_public.notification_channel_choice as (
  platform_source app_public.platform_source,
  channel app_public.notification_channel,
  enabled boolean
);
comment on type app_public.notification_channel_choice is 'Whether a channel pushes what concerns a platform.';

create type app_public.notification_kind as enum ('reauth_required', 'reauth_reminder', 'recovered', 'sync_failing', 'provider_down', 'provider_recovered');
comment on type app_public.notification_kind is '@value reauth_required The account needs its owner.
@value reauth_reminder The account still needs its owner.
@value recovered The account works again.
@value sync_failing The account keeps failing for a reason that its owner need not mend.
@value provider_down The bank or the platform is down.
@value provider_recovered The bank or the platform is back.
What a notification tells.';

create type app_public.notification_language as enum ('en', 'fr');
comment on type app_public.notification_language is '@value en English.
@value fr French.
A language that notifications are written in.';

create type app_public.notification_preferences as (
  language app_public.notification_language,
  time_zone text,
  quiet_hours boolean,
  quiet_from text,
  quiet_to text,
  paused boolean,
  tell_recovery boolean,
  channels app_public.notification_channel_choice[]
);
comment on type app_public.notification_preferences is 'How you want to be notified.';

create type app_public.platform_source as enum ('mono', 'mtn_momo');
comment on type app_public.platform_source is '@value mono Bank accounts, by Mono.
@value mtn_momo Mobile money, by the MTN MoMo API.
The platform that an account is linked and synced through.';

create type app_public.platform_status as (
  platform_source app_public.platform_source,
  label text,
  synced_via text,
  accounts integer,
  active_accounts integer,
  auth_required_accounts integer,
  error_accounts integer,
  running_accounts integer,
  last_synced_at timestamp with time zone,
  last_sync_attempt timestamp with time zone,
  next_sync_at timestamp with time zone,
  success_rate double precision,
  median_duration_seconds double precision,
  paused_until timestamp with time zone,
  provider_down_until timestamp with time zone
);
comment on type app_public.platform_status is 'How your accounts of one platform are doing.';

create type app_public.revision_kind as enum ('changed', 'removed', 'restored', 'reissued');
comment on type app_public.revision_kind is '@value changed The provider told it differently.
@value removed The provider no longer returned it.
@value restored The provider returned it again.
@value reissued The provider gave it a new id.
What replaced an earlier version of a transaction.';

create type app_public.sync_log_status as enum ('in_progress', 'success', 'failed', 'auth_error');
comment on type app_public.sync_log_status is '@value in_progress The run is open: a worker is at it, or it waits for the provider.
@value success The run brought the account up to date.
@value failed The run failed; failureKind says how.
@value auth_error The provider refused the link.
How a run stands or ended.';

create type app_public.sync_phase as enum ('never_synced', 'up_to_date', 'queued', 'running', 'waiting', 'retrying', 'needs_you', 'provider_down', 'paused', 'unlinked');
comment on type app_public.sync_phase is '@value never_synced No sync has succeeded yet.
@value up_to_date The last sync succeeded, and the next one is not due yet.
@value queued A sync is due and waits for a worker.
@value running A sync is running.
@value waiting A sync is open and waits for the provider, which may take minutes.
@value retrying The last sync failed; the next attempt has a time.
@value needs_you The link needs its owner.
@value provider_down The provider, or the bank behind it, is down.
@value paused The account, or its platform, is paused.
@value unlinked The account is linked no longer.
Where an account stands right now, in one word for people.';

create type app_public.sync_request as (
  outcome app_public.sync_request_outcome,
  until timestamp with time zone
);
comment on type app_public.sync_request is 'The answer to a request for a sync now, and until when it stands.';

create type app_public.sync_request_outcome as enum ('queued', 'already_running', 'cooling_down', 'needs_you', 'paused', 'provider_down');
comment on type app_public.sync_request_outcome is '@value queued A sync was queued, first in line.
@value already_running A sync is running; it brings what this one would.
@value cooling_down Too soon after the last attempt.
@value needs_you The link needs its owner.
@value paused The account, or its platform, is paused.
@value provider_down The provider, or the bank behind it, is down.
What became of a request for a sync.';

create type app_public.sync_status as enum ('active', 'auth_required', 'error');
comment on type app_public.sync_status is '@value active Syncs work.
@value auth_required The provider wants its owner: the consent or the key must be renewed.
@value error Three syncs in a row failed, or one failed for good. Syncs go on.
Whether an account can be synced.';

create type app_public.sync_trigger as enum ('schedule', 'user', 'webhook', 'backend', 'manual');
comment on type app_public.sync_trigger is '@value schedule Its time had come.
@value user Its owner asked for it.
@value webhook The provider told of a change.
@value backend An app''s backend asked for it.
@value manual An operator asked for it.
What made a run begin.';

create type app_public.transaction_direction as enum ('credit', 'debit');
comment on type app_public.transaction_direction is '@value credit Money came in.
@value debit Money went out.
Whether money came or went.';

create type app_public.transaction_source as enum ('mono', 'collections', 'statement');
comment on type app_public.transaction_source is '@value mono Mono''s list of transactions.
@value collections MoMo requests that an app made and asked us to follow.
@value statement The wallet''s statement (MADAPI).
Where a transaction was read.';

create type app_public.transaction_status as enum ('pending', 'posted', 'failed', 'removed');
comment on type app_public.transaction_status is '@value pending Not settled yet.
@value posted Settled.
@value failed It did not go through.
@value removed The provider no longer returns it.
How far a transaction has come.';

create table app_public.accounts (
  id uuid not null default gen_random_uuid(),
  user_id uuid not null,
  account_name text not null,
  account_type app_public.account_type not null,
  platform_source app_public.platform_source not null,
  currency text not null,
  balance numeric,
  balance_as_of timestamp with time zone,
  mono_account_id text,
  mtn_reference_id text,
  institution text,
  sync_status app_public.sync_status not null default 'active'::app_public.sync_status,
  last_synced_at timestamp with time zone,
  last_sync_attempt timestamp with time zone,
  data_as_of timestamp with time zone,
  coverage_through date,
  linked_at timestamp with time zone not null,
  unlinked_at timestamp with time zone,
  paused_at timestamp with time zone,
  constraint accounts_account_name CHECK (((length(account_name) >= 1) AND (length(account_name) <= 120))),
  constraint accounts_currency CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint accounts_id_user UNIQUE (id, user_id),
  constraint accounts_pkey PRIMARY KEY (id),
  constraint accounts_platform_id CHECK (
CASE platform_source
    WHEN 'mono'::app_public.platform_source THEN ((mono_account_id IS NOT NULL) AND (mtn_reference_id IS NULL) AND (account_type = 'bank'::app_public.account_type))
    WHEN 'mtn_momo'::app_public.platform_source THEN ((mtn_reference_id IS NOT NULL) AND (mono_account_id IS NULL) AND (account_type = 'mobile_money'::app_public.account_type))
    ELSE NULL::boolean
END),
  constraint accounts_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source)
) with (fillfactor=80);
alter table app_public.accounts enable row level security;
CREATE INDEX accounts_paused_idx ON app_public.accounts USING btree (platform_source) WHERE (paused_at IS NOT NULL);
CREATE INDEX accounts_platform_source_idx ON app_public.accounts USING btree (platform_source);
CREATE INDEX accounts_user_id_idx ON app_public.accounts USING btree (user_id);
CREATE UNIQUE INDEX accounts_mono_account_id_key ON app_public.accounts USING btree (mono_account_id);
CREATE UNIQUE INDEX accounts_mtn_reference_id_key ON app_public.accounts USING btree (mtn_reference_id, user_id);
CREATE TRIGGER _500_mirror_tags_insert AFTER INSERT ON app_public.accounts FOR EACH ROW EXECUTE FUNCTION app_private.tg_accounts__mirror_tags();
CREATE TRIGGER _500_mirror_tags_update AFTER UPDATE OF sync_status, unlinked_at ON app_public.accounts FOR EACH ROW WHEN (((old.sync_status IS DISTINCT FROM new.sync_status) OR ((old.unlinked_at IS NULL) IS DISTINCT FROM (new.unlinked_at IS NULL)))) EXECUTE FUNCTION app_private.tg_accounts__mirror_tags();
CREATE TRIGGER _900_announce_delete AFTER DELETE ON app_public.accounts REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_accounts__announce();
CREATE TRIGGER _900_announce_insert AFTER INSERT ON app_public.accounts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_accounts__announce();
CREATE TRIGGER _900_announce_update AFTER UPDATE ON app_public.accounts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_accounts__announce();
comment on column app_public.accounts.account_name is 'What its owner calls it.';
comment on column app_public.accounts.account_type is 'Bank account or mobile-money wallet.';
comment on column app_public.accounts.balance is 'Exact, in major units of currency. Null until the provider has told it.';
comment on column app_public.accounts.balance_as_of is 'The moment the balance speaks for.';
comment on column app_public.accounts.coverage_through is 'The last day, in the provider''s calendar, up to which history is known complete without a gap. Null where the source cannot list transactions.';
comment on column app_public.accounts.currency is 'ISO 4217 code of balance and transactions.';
comment on column app_public.accounts.data_as_of is 'The moment the provider''s data speaks for: its cache may be older than our sync.';
comment on column app_public.accounts.id is 'Our id of the account.';
comment on column app_public.accounts.institution is 'The bank, or the operator of the wallet.';
comment on column app_public.accounts.last_sync_attempt is 'When the sync that ended last had begun, whatever came of it.';
comment on column app_public.accounts.last_synced_at is 'When a sync last succeeded. A run that failed, was rate-limited or found the link expired never moves it.';
comment on column app_public.accounts.linked_at is 'When it was linked, or linked again.';
comment on column app_public.accounts.mono_account_id is 'Mono''s id of the account. Null for a wallet.';
comment on column app_public.accounts.mtn_reference_id is 'The id of the wallet''s MoMo API user. Null for a bank account.';
comment on column app_public.accounts.paused_at is 'When its syncs were paused; null while they go on.';
comment on column app_public.accounts.platform_source is 'The platform it is synced through.';
comment on column app_public.accounts.sync_status is 'Whether it can be synced.';
comment on column app_public.accounts.unlinked_at is 'When it was unlinked; null while it is linked.';
comment on column app_public.accounts.user_id is 'Its owner.';
comment on table app_public.accounts is 'A linked bank or mobile-money account and how fresh we know it to be.';
create policy select_own on app_public.accounts for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.accounts to app_visitor;

create table app_public.notification_channels (
  user_id uuid not null,
  platform_source app_public.platform_source not null,
  channel app_public.notification_channel not null,
  enabled boolean not null,
  constraint notification_channels_channel CHECK ((channel <> 'in_app'::app_public.notification_channel)),
  constraint notification_channels_pkey PRIMARY KEY (user_id, platform_source, channel),
  constraint notification_channels_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE
);
alter table app_public.notification_channels enable row level security;
CREATE INDEX notification_channels_platform_source_idx ON app_public.notification_channels USING btree (platform_source);
comment on column app_public.notification_channels.channel is 'The channel.';
comment on column app_public.notification_channels.enabled is 'Whether it pushes.';
comment on column app_public.notification_channels.platform_source is 'The platform that it is about.';
comment on column app_public.notification_channels.user_id is 'Whose choice it is.';
comment on table app_public.notification_channels is 'Whether a user wants pushes about a platform over a channel.';
create policy select_own on app_public.notification_channels for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.notification_channels to app_visitor;

create table app_public.notification_settings (
  user_id uuid not null,
  language app_public.notification_language,
  time_zone text,
  quiet_hours boolean,
  quiet_from time without time zone,
  quiet_to time without time zone,
  paused boolean,
  tell_recovery boolean,
  constraint notification_settings_pkey PRIMARY KEY (user_id)
);
alter table app_public.notification_settings enable row level security;
comment on column app_public.notification_settings.language is 'The language of pushes and of the feed.';
comment on column app_public.notification_settings.paused is 'No push at all.';
comment on column app_public.notification_settings.quiet_from is 'When the quiet hours begin.';
comment on column app_public.notification_settings.quiet_hours is 'Whether pushes wait for the end of the quiet hours.';
comment on column app_public.notification_settings.quiet_to is 'When the quiet hours end.';
comment on column app_public.notification_settings.tell_recovery is 'Whether to tell that an account works again.';
comment on column app_public.notification_settings.time_zone is 'The zone of the quiet hours, an IANA name.';
comment on column app_public.notification_settings.user_id is 'Whose choice it is.';
comment on table app_public.notification_settings is 'How a user wants to be told. Null: no choice made.';
create policy select_own on app_public.notification_settings for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.notification_settings to app_visitor;

create table app_public.notifications (
  id bigint not null generated always as identity,
  user_id uuid not null,
  account_id uuid,
  platform_source app_public.platform_source not null,
  kind app_public.notification_kind not null,
  episode_id bigint,
  params jsonb not null default '{}'::jsonb,
  created_at timestamp with time zone not null,
  read_at timestamp with time zone,
  incident_id bigint,
  constraint notifications_account FOREIGN KEY (account_id, user_id) REFERENCES app_public.accounts(id, user_id) ON DELETE CASCADE,
  constraint notifications_episode_id_fkey FOREIGN KEY (episode_id) REFERENCES app_private.auth_episodes(id) ON DELETE SET NULL,
  constraint notifications_incident_id_fkey FOREIGN KEY (incident_id) REFERENCES app_private.incidents(id) ON DELETE SET NULL,
  constraint notifications_params CHECK ((jsonb_typeof(params) = 'object'::text)),
  constraint notifications_pkey PRIMARY KEY (id)
) with (fillfactor=90);
alter table app_public.notifications enable row level security;
CREATE INDEX notifications_account_id_idx ON app_public.notifications USING btree (account_id, user_id);
CREATE INDEX notifications_episode_id_idx ON app_public.notifications USING btree (episode_id) WHERE (episode_id IS NOT NULL);
CREATE INDEX notifications_incident_id_idx ON app_public.notifications USING btree (incident_id) WHERE (incident_id IS NOT NULL);
CREATE INDEX notifications_unread_idx ON app_public.notifications USING btree (user_id) WHERE (read_at IS NULL);
CREATE INDEX notifications_user_id_idx ON app_public.notifications USING btree (user_id, id DESC);
CREATE UNIQUE INDEX notifications_episode_key ON app_public.notifications USING btree (episode_id, kind) WHERE (episode_id IS NOT NULL);
CREATE UNIQUE INDEX notifications_incident_key ON app_public.notifications USING btree (incident_id, user_id, kind) WHERE (incident_id IS NOT NULL);
CREATE TRIGGER _500_deliver AFTER INSERT ON app_public.notifications REFERENCING NEW TABLE AS told FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_notifications__deliver();
CREATE TRIGGER _900_announce_insert AFTER INSERT ON app_public.notifications REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_notifications__announce();
comment on column app_public.notifications.account_id is 'The account it is about; null where it is about a platform.';
comment on column app_public.notifications.created_at is 'When it was written.';
comment on column app_public.notifications.episode_id is 'The stretch of needed re-authentication that it belongs to.';
comment on column app_public.notifications.id is 'Notifications are numbered as they are written.';
comment on column app_public.notifications.incident_id is 'The outage that it belongs to.';
comment on column app_public.notifications.kind is 'What it tells.';
comment on column app_public.notifications.params is 'What its sentence needs, by name. No personal data.';
comment on column app_public.notifications.platform_source is 'The platform it is about.';
comment on column app_public.notifications.read_at is 'When it was marked as read; null while it is unread.';
comment on column app_public.notifications.user_id is 'Who was told.';
comment on table app_public.notifications is 'Something that a user was told: an entry of the feed.';
create policy select_own on app_public.notifications for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.notifications to app_visitor;

create table app_public.push_subscriptions (
  id bigint not null generated always as identity,
  user_id uuid not null,
  endpoint text not null,
  p256dh text not null,
  auth text not null,
  saved_at timestamp with time zone not null,
  last_delivered_at timestamp with time zone,
  constraint push_subscriptions_auth CHECK ((auth ~ '^[A-Za-z0-9_-]{22}$'::text)),
  constraint push_subscriptions_endpoint CHECK ((length(endpoint) <= 2000)),
  constraint push_subscriptions_endpoint_key UNIQUE (endpoint),
  constraint push_subscriptions_p256dh CHECK ((p256dh ~ '^[A-Za-z0-9_-]{87}$'::text)),
  constraint push_subscriptions_pkey PRIMARY KEY (id)
);
alter table app_public.push_subscriptions enable row level security;
CREATE INDEX push_subscriptions_user_id_idx ON app_public.push_subscriptions USING btree (user_id, saved_at);
comment on column app_public.push_subscriptions.auth is 'The browser''s secret.';
comment on column app_public.push_subscriptions.endpoint is 'Where its push service takes messages; by it a browser recognises its own.';
comment on column app_public.push_subscriptions.id is 'Our id of the subscription.';
comment on column app_public.push_subscriptions.last_delivered_at is 'When a push service last took a message for it.';
comment on column app_public.push_subscriptions.p256dh is 'The browser''s public key.';
comment on column app_public.push_subscriptions.saved_at is 'When the browser last said that it wants pushes.';
comment on column app_public.push_subscriptions.user_id is 'Whose browser it is.';
comment on table app_public.push_subscriptions is 'A browser that is notified by web push.';
create policy select_own on app_public.push_subscriptions for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select (id, user_id, endpoint, saved_at, last_delivered_at) on app_public.push_subscriptions to app_visitor;

create table app_public.sync_logs (
  id bigint not null generated always as identity,
  account_id uuid not null,
  user_id uuid not null,
  platform_source app_public.platform_source not null,
  trigger app_public.sync_trigger not null default 'schedule'::app_public.sync_trigger,
  status app_public.sync_log_status not null default 'in_progress'::app_public.sync_log_status,
  sync_started_at timestamp with time zone not null,
  sync_completed_at timestamp with time zone,
  transactions_synced integer not null default 0,
  pages integer not null default 0,
  seen_count integer not null default 0,
  new_count integer not null default 0,
  changed_count integer not null default 0,
  unchanged_count integer not null default 0,
  removed_count integer not null default 0,
  refused_count integer not null default 0,
  refusals jsonb,
  windows jsonb,
  requests integer not null default 0,
  failure_kind app_public.failure_kind,
  error_message text,
  platform_specific_error text,
  next_sync_at timestamp with time zone,
  constraint sync_logs_account FOREIGN KEY (account_id, user_id) REFERENCES app_public.accounts(id, user_id) ON DELETE CASCADE,
  constraint sync_logs_closed CHECK (((status = 'in_progress'::app_public.sync_log_status) = (sync_completed_at IS NULL))),
  constraint sync_logs_error_message CHECK ((length(error_message) <= 300)),
  constraint sync_logs_failure CHECK (((status = ANY (ARRAY['failed'::app_public.sync_log_status, 'auth_error'::app_public.sync_log_status])) = (failure_kind IS NOT NULL))),
  constraint sync_logs_pkey PRIMARY KEY (id),
  constraint sync_logs_platform_specific_error CHECK ((length(platform_specific_error) <= 200))
) with (fillfactor=85);
alter table app_public.sync_logs enable row level security;
CREATE INDEX sync_logs_account_id_idx ON app_public.sync_logs USING btree (account_id, user_id, id DESC);
CREATE UNIQUE INDEX sync_logs_open_run_key ON app_public.sync_logs USING btree (account_id) WHERE (status = 'in_progress'::app_public.sync_log_status);
CREATE TRIGGER _900_announce_insert AFTER INSERT ON app_public.sync_logs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_sync_logs__announce();
CREATE TRIGGER _900_announce_update AFTER UPDATE ON app_public.sync_logs REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_sync_logs__announce();
comment on column app_public.sync_logs.account_id is 'The account that was synced.';
comment on column app_public.sync_logs.changed_count is 'Transactions that had changed.';
comment on column app_public.sync_logs.error_message is 'What went wrong, in a sentence without personal data.';
comment on column app_public.sync_logs.failure_kind is 'Why it failed; null for a success.';
comment on column app_public.sync_logs.id is 'Runs are numbered as they begin.';
comment on column app_public.sync_logs.new_count is 'Transactions that were new.';
comment on column app_public.sync_logs.next_sync_at is 'When the next run was due, as decided when this one ended.';
comment on column app_public.sync_logs.pages is 'Pages that were read; while it is open, as of the last page that brought something.';
comment on column app_public.sync_logs.platform_source is 'The platform that was asked.';
comment on column app_public.sync_logs.platform_specific_error is 'The provider''s own code, redacted.';
comment on column app_public.sync_logs.refusals is 'Transactions that could not be trusted, counted by reason.';
comment on column app_public.sync_logs.refused_count is 'Transactions that could not be trusted and were left out.';
comment on column app_public.sync_logs.removed_count is 'Transactions that the provider no longer returned.';
comment on column app_public.sync_logs.requests is 'Requests that were sent to the provider.';
comment on column app_public.sync_logs.seen_count is 'Transactions that the provider sent.';
comment on column app_public.sync_logs.status is 'How it stands or ended.';
comment on column app_public.sync_logs.sync_completed_at is 'When it ended; null while it is open.';
comment on column app_public.sync_logs.sync_started_at is 'When it began.';
comment on column app_public.sync_logs.transactions_synced is 'New and changed transactions.';
comment on column app_public.sync_logs.trigger is 'What made it begin.';
comment on column app_public.sync_logs.unchanged_count is 'Transactions that were known already.';
comment on column app_public.sync_logs.user_id is 'Its owner.';
comment on column app_public.sync_logs.windows is 'The days that were asked for, with pages and whether they were complete.';
comment on table app_public.sync_logs is 'One attempt to bring an account up to date: what was looked at, found, changed and refused, and when the next one comes.';
create policy select_own on app_public.sync_logs for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.sync_logs to app_visitor;

create table app_public.sync_settings (
  user_id uuid not null,
  platform_source app_public.platform_source not null,
  sync_interval interval,
  preferred_hour smallint,
  time_zone text,
  notifications_enabled boolean not null default true,
  constraint sync_settings_pkey PRIMARY KEY (user_id, platform_source),
  constraint sync_settings_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE,
  constraint sync_settings_preferred_hour CHECK (((preferred_hour >= 0) AND (preferred_hour <= 23)))
);
alter table app_public.sync_settings enable row level security;
CREATE INDEX sync_settings_platform_source_idx ON app_public.sync_settings USING btree (platform_source);
comment on column app_public.sync_settings.notifications_enabled is 'Whether the user wants to be notified about this platform''s accounts.';
comment on column app_public.sync_settings.platform_source is 'The platform whose accounts it is for.';
comment on column app_public.sync_settings.preferred_hour is 'Hour of the day in timeZone, for intervals of a day or more. Null: when it suits the platform.';
comment on column app_public.sync_settings.sync_interval is 'How often. Null: as often as the account''s activity asks for.';
comment on column app_public.sync_settings.time_zone is 'IANA name, such as Africa/Lagos. Null: the platform''s.';
comment on column app_public.sync_settings.user_id is 'Whose choice it is.';
comment on table app_public.sync_settings is 'How often, and when, a user wants the accounts of a platform synced.';
create policy select_own on app_public.sync_settings for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.sync_settings to app_visitor;

create table app_public.transaction_revisions (
  transaction_id bigint not null,
  revision integer not null,
  user_id uuid not null,
  kind app_public.revision_kind not null,
  replaced_at timestamp with time zone not null,
  replaced_by_run bigint not null,
  provider_transaction_id text not null,
  status app_public.transaction_status not null,
  direction app_public.transaction_direction not null,
  amount numeric not null,
  currency text not null,
  occurred_at timestamp with time zone not null,
  occurred_on date not null,
  narration text,
  provider_category text,
  balance_after numeric,
  counterparty text,
  constraint transaction_revisions_pkey PRIMARY KEY (transaction_id, revision),
  constraint transaction_revisions_transaction_id_fkey FOREIGN KEY (transaction_id) REFERENCES app_public.transactions(id) ON DELETE CASCADE
);
alter table app_public.transaction_revisions enable row level security;
CREATE INDEX transaction_revisions_replaced_at_idx ON app_public.transaction_revisions USING brin (replaced_at);
comment on column app_public.transaction_revisions.amount is 'The amount at that time: exact, in major units, never negative.';
comment on column app_public.transaction_revisions.balance_after is 'The balance after it, as the provider told it then.';
comment on column app_public.transaction_revisions.counterparty is 'The other side, as the provider told it then.';
comment on column app_public.transaction_revisions.currency is 'The currency at that time.';
comment on column app_public.transaction_revisions.direction is 'The direction at that time.';
comment on column app_public.transaction_revisions.kind is 'What replaced this version: a change, a removal, a return, or the same transaction under a new provider id.';
comment on column app_public.transaction_revisions.narration is 'The provider''s words at that time.';
comment on column app_public.transaction_revisions.occurred_at is 'When it took place, as the provider told it then.';
comment on column app_public.transaction_revisions.occurred_on is 'The provider''s calendar day at that time.';
comment on column app_public.transaction_revisions.provider_category is 'The provider''s category at that time.';
comment on column app_public.transaction_revisions.provider_transaction_id is 'The provider''s id at that time.';
comment on column app_public.transaction_revisions.replaced_at is 'When it was replaced.';
comment on column app_public.transaction_revisions.replaced_by_run is 'The run that replaced it.';
comment on column app_public.transaction_revisions.revision is 'Which version this was, from 1.';
comment on column app_public.transaction_revisions.status is 'The status at that time.';
comment on column app_public.transaction_revisions.transaction_id is 'The transaction as it is now.';
comment on column app_public.transaction_revisions.user_id is 'The account''s owner.';
comment on table app_public.transaction_revisions is 'An earlier version of a transaction, kept when a sync changed it.';
create policy select_own on app_public.transaction_revisions for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.transaction_revisions to app_visitor;

create table app_public.transactions (
  id bigint not null generated always as identity,
  account_id uuid not null,
  user_id uuid not null,
  source app_public.transaction_source not null,
  provider_transaction_id text not null,
  status app_public.transaction_status not null,
  direction app_public.transaction_direction not null,
  amount numeric not null,
  currency text not null,
  occurred_at timestamp with time zone not null,
  occurred_on date not null,
  narration text,
  provider_category text,
  balance_after numeric,
  counterparty text,
  category text,
  note text,
  first_seen_at timestamp with time zone not null,
  changed_at timestamp with time zone,
  run_id bigint not null,
  revision integer not null default 1,
  constraint transactions_account FOREIGN KEY (account_id, user_id) REFERENCES app_public.accounts(id, user_id) ON DELETE CASCADE,
  constraint transactions_amount CHECK ((amount >= (0)::numeric)),
  constraint transactions_category CHECK ((length(category) <= 100)),
  constraint transactions_currency CHECK ((currency ~ '^[A-Z]{3}$'::text)),
  constraint transactions_note CHECK ((length(note) <= 2000)),
  constraint transactions_pkey PRIMARY KEY (id),
  constraint transactions_provider_key UNIQUE (account_id, provider_transaction_id),
  constraint transactions_provider_transaction_id CHECK (((length(provider_transaction_id) >= 1) AND (length(provider_transaction_id) <= 200)))
) with (fillfactor=90);
alter table app_public.transactions enable row level security;
CREATE INDEX transactions_account_day_idx ON app_public.transactions USING btree (account_id, user_id, occurred_on, amount);
CREATE INDEX transactions_user_day_idx ON app_public.transactions USING btree (user_id, occurred_on);
CREATE TRIGGER _900_announce_insert AFTER INSERT ON app_public.transactions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION app_private.tg_transactions__announce();
comment on column app_public.transactions.account_id is 'The account it belongs to.';
comment on column app_public.transactions.amount is 'Exact, in major units, never negative: direction carries the sign.';
comment on column app_public.transactions.balance_after is 'The account''s balance after it, where the provider tells it.';
comment on column app_public.transactions.category is 'Set by the user; never overwritten by a sync.';
comment on column app_public.transactions.changed_at is 'When a sync last changed it; null while it is as it was first seen.';
comment on column app_public.transactions.counterparty is 'The other side, where the provider tells it.';
comment on column app_public.transactions.currency is 'ISO 4217 code.';
comment on column app_public.transactions.direction is 'Whether money came or went.';
comment on column app_public.transactions.first_seen_at is 'When a sync first saved it.';
comment on column app_public.transactions.id is 'Our id of the transaction; it stays when the provider''s changes.';
comment on column app_public.transactions.narration is 'The provider''s words for it.';
comment on column app_public.transactions.note is 'Set by the user; never overwritten by a sync.';
comment on column app_public.transactions.occurred_at is 'When it took place, as the provider tells it.';
comment on column app_public.transactions.occurred_on is 'The provider''s calendar day, which its date filters go by.';
comment on column app_public.transactions.provider_category is 'The provider''s category.';
comment on column app_public.transactions.provider_transaction_id is 'Mono''s transaction id, MoMo''s reference id, or the fingerprint of a statement row.';
comment on column app_public.transactions.revision is 'Which version this is, from 1.';
comment on column app_public.transactions.run_id is 'The run that last wrote it.';
comment on column app_public.transactions.source is 'Where it was read.';
comment on column app_public.transactions.status is 'How far it has come. REMOVED: the provider no longer returns it.';
comment on column app_public.transactions.user_id is 'The account''s owner.';
comment on table app_public.transactions is 'A transaction as its provider last told it, with what the user added.';
create policy select_own on app_public.transactions for select to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
create policy update_own on app_public.transactions for update to app_visitor using ((user_id = ( SELECT app_public.current_user_id() AS current_user_id)));
grant select on app_public.transactions to app_visitor;
grant update (category, note) on app_public.transactions to app_visitor;

create view app_public.account_sync_states with (security_barrier=true) as
 SELECT account_id,
    phase,
    next_sync_at,
    waiting_until,
    cooling_down_until,
    retrying_at,
    provider_down_until,
    paused_until,
    failures,
    last_failure_kind,
    run_started_at,
    run_pages,
    run_transactions,
    windows_left,
    open_references,
    history_start,
    settled,
    gaps
   FROM app_private.account_sync_states() account_sync_states(account_id, phase, next_sync_at, waiting_until, cooling_down_until, retrying_at, provider_down_until, paused_until, failures, last_failure_kind, run_started_at, run_pages, run_transactions, windows_left, open_references, history_start, settled, gaps);
comment on column app_public.account_sync_states.account_id is 'The account.';
comment on column app_public.account_sync_states.cooling_down_until is 'When "Sync now" may be asked again; null when it may.';
comment on column app_public.account_sync_states.failures is '@notNull
Failures in a row.';
comment on column app_public.account_sync_states.gaps is '@notNull
Days that are missing before the last settled one, oldest first. They are fetched by the next sync.';
comment on column app_public.account_sync_states.history_start is 'The first day that we want to know of. Null where the source cannot list transactions.';
comment on column app_public.account_sync_states.last_failure_kind is 'What the last sync failed of; null after a success.';
comment on column app_public.account_sync_states.next_sync_at is 'When the next sync is due; null while one is open, and for an account that is not synced.';
comment on column app_public.account_sync_states.open_references is '@notNull
MoMo references that are not settled yet.';
comment on column app_public.account_sync_states.paused_until is 'When the pause ends; null where there is none, or none that ends.';
comment on column app_public.account_sync_states.phase is '@notNull
Where the account stands, in one word.';
comment on column app_public.account_sync_states.provider_down_until is 'When the provider, or the bank behind it, is tried again; null unless it is down.';
comment on column app_public.account_sync_states.retrying_at is 'When a sync that failed is tried again; null unless one has failed.';
comment on column app_public.account_sync_states.run_pages is 'Pages that the open sync has read, as of the last that brought something.';
comment on column app_public.account_sync_states.run_started_at is 'When the open sync began; null when none is open.';
comment on column app_public.account_sync_states.run_transactions is 'New and changed transactions of the open sync so far.';
comment on column app_public.account_sync_states.settled is '@notNull
Days that are known complete, oldest first.';
comment on column app_public.account_sync_states.waiting_until is 'When the open sync asks the provider again; null unless it waits.';
comment on column app_public.account_sync_states.windows_left is 'Windows of days that are still to be read in the open sync; the latest days are always among them.';
comment on view app_public.account_sync_states is 'What the machinery knows of an account at this moment.';
grant select on app_public.account_sync_states to app_visitor;

CREATE OR REPLACE FUNCTION app_public.accounts_latest_run(account app_public.accounts)
 RETURNS app_public.sync_logs
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select l.* from app_public.sync_logs l
  where l.account_id = account.id and l.user_id = account.user_id
  order by l.id desc
  limit 1;
$function$;
comment on function app_public.accounts_latest_run(app_public.accounts) is 'The latest run of this account, open or ended.';
grant execute on function app_public.accounts_latest_run(app_public.accounts) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.choose_notification_channel(platform_source app_public.platform_source, channel app_public.notification_channel, enabled boolean)
 RETURNS app_public.notification_preferences
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user_id uuid := app_public.current_user_id();
begin
  if v_user_id is null then
    raise exception 'Sign in to choose settings.' using errcode = 'NTFND';
  end if;
  if choose_notification_channel.channel = 'in_app' then
    raise exception 'The feed is always kept: it cannot be switched off.' using errcode = 'SETNV';
  end if;
  insert into app_public.notification_channels (user_id, platform_source, channel, enabled)
  values (
    v_user_id, choose_notification_channel.platform_source, choose_notification_channel.channel,
    choose_notification_channel.enabled
  )
  on conflict on constraint notification_channels_pkey do update set enabled = excluded.enabled;
  if choose_notification_channel.channel = 'onesignal' then
    perform app_private.mark_tags_stale(v_user_id);
  end if;
  return app_public.notification_preferences();
end
$function$;
comment on function app_public.choose_notification_channel(app_public.platform_source,app_public.notification_channel,boolean) is '@param platformSource The platform whose accounts the choice is for.
@param channel The channel: onesignal or web_push.
@param enabled Whether it pushes.
@result Your choices as they stand now.
Chooses whether a channel pushes what concerns your accounts of a platform. At first: yes.';
grant execute on function app_public.choose_notification_channel(app_public.platform_source,app_public.notification_channel,boolean) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.choose_notification_settings(language app_public.notification_language DEFAULT NULL::app_public.notification_language, time_zone text DEFAULT NULL::text, quiet_hours boolean DEFAULT NULL::boolean, quiet_from text DEFAULT NULL::text, quiet_to text DEFAULT NULL::text, paused boolean DEFAULT NULL::boolean, tell_recovery boolean DEFAULT NULL::boolean)
 RETURNS app_public.notification_preferences
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user_id uuid := app_public.current_user_id();
begin
  if v_user_id is null then
    raise exception 'Sign in to choose settings.' using errcode = 'NTFND';
  end if;
  if choose_notification_settings.quiet_from !~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
    or choose_notification_settings.quiet_to !~ '^([01][0-9]|2[0-3]):[0-5][0-9]$'
  then
    raise exception 'Quiet hours begin and end at a time of the day, such as 22:00.' using errcode = 'SETNV';
  end if;
  perform app_private.check_time_zone(choose_notification_settings.time_zone);
  insert into app_public.notification_settings as s
    (user_id, language, time_zone, quiet_hours, quiet_from, quiet_to, paused, tell_recovery)
  values (
    v_user_id, choose_notification_settings.language, choose_notification_settings.time_zone,
    choose_notification_settings.quiet_hours, choose_notification_settings.quiet_from::time, choose_notification_settings.quiet_to::time,
    choose_notification_settings.paused, choose_notification_settings.tell_recovery
  )
  on conflict on constraint notification_settings_pkey do update
  set language = coalesce(excluded.language, s.language), time_zone = coalesce(excluded.time_zone, s.time_zone),
    quiet_hours = coalesce(excluded.quiet_hours, s.quiet_hours), quiet_from = coalesce(excluded.quiet_from, s.quiet_from),
    quiet_to = coalesce(excluded.quiet_to, s.quiet_to), paused = coalesce(excluded.paused, s.paused),
    tell_recovery = coalesce(excluded.tell_recovery, s.tell_recovery);
  if exists (select from app_private.notification_choice(v_user_id) c where c.quiet_from = c.quiet_to) then
    raise exception 'Quiet hours end at another time than they begin; to be quiet always, pause.' using errcode = 'SETNV';
  end if;
  return app_public.notification_preferences();
end
$function$;
comment on function app_public.choose_notification_settings(app_public.notification_language,text,boolean,text,text,boolean,boolean) is '@param language The language of pushes and of the feed. At first: English.
@param timeZone The zone of the quiet hours, an IANA name such as Africa/Lagos. At first: that of your accounts.
@param quietHours Whether pushes wait for the end of the quiet hours. At first: yes.
@param quietFrom When the quiet hours begin, as HH:MM. At first: 22:00.
@param quietTo When the quiet hours end, as HH:MM; earlier than their beginning means the next morning. At first: 07:00.
@param paused Pauses everything: no push at all, over any channel. The feed goes on. At first: no.
@param tellRecovery Whether you want to be told when an account that needed you works again. At first: no.
@result Your choices as they stand now.
Chooses how you want to be notified. What is left out stays as it was.';
grant execute on function app_public.choose_notification_settings(app_public.notification_language,text,boolean,text,text,boolean,boolean) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.choose_sync_settings(platform_source app_public.platform_source, sync_interval interval DEFAULT NULL::interval, preferred_hour integer DEFAULT NULL::integer, time_zone text DEFAULT NULL::text, notifications_enabled boolean DEFAULT true)
 RETURNS app_public.sync_settings
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user_id uuid := app_public.current_user_id();
  v_settings app_public.sync_settings;
begin
  if v_user_id is null then
    raise exception 'Sign in to choose settings.' using errcode = 'NTFND';
  end if;
  perform app_private.check_sync_interval(choose_sync_settings.sync_interval);
  if choose_sync_settings.preferred_hour not between 0 and 23 then
    raise exception 'The preferred hour lies between 0 and 23.' using errcode = 'SETNV';
  end if;
  perform app_private.check_time_zone(choose_sync_settings.time_zone);

  insert into app_public.sync_settings as s (user_id, platform_source, sync_interval, preferred_hour, time_zone, notifications_enabled)
  values (
    v_user_id, choose_sync_settings.platform_source, choose_sync_settings.sync_interval,
    choose_sync_settings.preferred_hour, choose_sync_settings.time_zone, choose_sync_settings.notifications_enabled
  )
  on conflict on constraint sync_settings_pkey do update
  set sync_interval = excluded.sync_interval, preferred_hour = excluded.preferred_hour, time_zone = excluded.time_zone,
    notifications_enabled = excluded.notifications_enabled
  returning * into v_settings;

  perform app_private.reschedule(array(
    select a.id from app_public.accounts a
    where a.user_id = v_user_id and a.platform_source = choose_sync_settings.platform_source
  ));
  return v_settings;
end
$function$;
comment on function app_public.choose_sync_settings(app_public.platform_source,interval,integer,text,boolean) is '@param platformSource The platform whose accounts the choice is for.
@param syncInterval How often: 15 minutes to 30 days, whole days above one. Left out: as often as your activity asks for.
@param preferredHour Hour of the day, 0 to 23, for intervals of a day or more. Left out: when it suits the platform.
@param timeZone The zone of that hour, an IANA name such as Africa/Lagos. Left out: the platform''s.
@param notificationsEnabled Whether you want to be notified about this platform''s accounts. Left out: yes.
@result The choice as it stands now.
Chooses how often, and when, your accounts of a platform are synced. What is left out is chosen no longer.';
grant execute on function app_public.choose_sync_settings(app_public.platform_source,interval,integer,text,boolean) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.current_user_id()
 RETURNS uuid
 LANGUAGE sql
 STABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select nullif(current_setting('tidemark.user_id', true), '')::uuid;
$function$;
comment on function app_public.current_user_id() is 'The user of this request, or null.';
grant execute on function app_public.current_user_id() to app_admin;
grant execute on function app_public.current_user_id() to app_service;
grant execute on function app_public.current_user_id() to app_visitor;
grant execute on function app_public.current_user_id() to app_worker;

CREATE OR REPLACE FUNCTION app_public.erase_my_data()
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if app_public.current_user_id() is null then
    raise exception 'There is nobody to forget.' using errcode = 'NTFND';
  end if;
  return app_private.erase_user(app_public.current_user_id());
end
$function$;
comment on function app_public.erase_my_data() is 'Forgets you: unlinks all your accounts now, and deletes everything that is stored of you as soon as their providers have confirmed. Answers a receipt. Cannot be taken back.';
grant execute on function app_public.erase_my_data() to app_visitor;

CREATE OR REPLACE FUNCTION app_public.export_my_data()
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if app_public.current_user_id() is null then
    raise exception 'There is nobody to tell about.' using errcode = 'NTFND';
  end if;
  return app_private.export_user(app_public.current_user_id());
end
$function$;
comment on function app_public.export_my_data() is 'Everything that is stored of you, as one JSON document: accounts, transactions with their earlier versions, sync logs, settings, notifications.';
grant execute on function app_public.export_my_data() to app_visitor;

CREATE OR REPLACE FUNCTION app_public.mark_notifications_read(ids bigint[] DEFAULT NULL::bigint[])
 RETURNS SETOF app_public.notifications
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_public.notifications n
  set read_at = app_private.clock()
  where n.user_id = app_public.current_user_id() and n.read_at is null
    and (mark_notifications_read.ids is null or n.id = any (mark_notifications_read.ids))
  returning n.*;
$function$;
comment on function app_public.mark_notifications_read(bigint[]) is '@param ids Which notifications; all of yours without it.
@result Those that were unread.
Marks notifications as read and answers those that were not yet.';
grant execute on function app_public.mark_notifications_read(bigint[]) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.notification_preferences()
 RETURNS app_public.notification_preferences
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select row (
    c.language, c.time_zone, c.quiet_hours, to_char(c.quiet_from, 'HH24:MI'), to_char(c.quiet_to, 'HH24:MI'), c.paused, c.tell_recovery,
    (select array_agg(
       row (p.platform_source, e.channel, coalesce(n.enabled, true))::app_public.notification_channel_choice
       order by p.platform_source, e.channel)
     from app_private.platforms p
     cross join unnest(enum_range(null::app_public.notification_channel)) as e (channel)
     left join app_public.notification_channels n
       on n.user_id = me.id and n.platform_source = p.platform_source and n.channel = e.channel
     where e.channel <> 'in_app')
  )::app_public.notification_preferences
  from (select app_public.current_user_id()) as me (id)
  cross join lateral app_private.notification_choice(me.id) c
  where me.id is not null;
$function$;
comment on function app_public.notification_preferences() is 'How you want to be notified; what you have not chosen is as it is by default.';
grant execute on function app_public.notification_preferences() to app_visitor;

CREATE OR REPLACE FUNCTION app_public.platform_sync_status()
 RETURNS SETOF app_public.platform_status
 LANGUAGE sql
 STABLE SECURITY DEFINER COST 1000 ROWS 2
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select p.platform_source, p.label, 'Last synced via ' || p.label,
    coalesce(a.accounts, 0), coalesce(a.active, 0), coalesce(a.auth_required, 0), coalesce(a.error, 0), coalesce(a.running, 0),
    a.last_synced_at, a.last_sync_attempt, a.next_sync_at, r.success_rate, r.median_duration,
    case when p.paused_until > now.at then nullif(p.paused_until, 'infinity') end,
    (
      select b.next_probe_at from app_private.breakers b
      where b.platform_source = p.platform_source and b.institution_code = '' and b.opened_at is not null
    )
  from app_private.platforms p
  cross join lateral (select app_private.clock(), app_public.current_user_id()) as now (at, user_id)
  left join lateral (
    select count(*)::integer as accounts,
      count(*) filter (where a.sync_status = 'active')::integer as active,
      count(*) filter (where a.sync_status = 'auth_required')::integer as auth_required,
      count(*) filter (where a.sync_status = 'error')::integer as error,
      count(*) filter (where s.run_id is not null)::integer as running,
      max(a.last_synced_at) as last_synced_at,
      max(greatest(a.last_sync_attempt, o.sync_started_at)) as last_sync_attempt,
      min(s.next_sync_at) filter (where s.run_id is null and a.paused_at is null) as next_sync_at
    from app_public.accounts a
    join app_private.sync_states s on s.account_id = a.id
    left join app_public.sync_logs o on o.id = s.run_id
    where a.user_id = now.user_id and a.platform_source = p.platform_source and a.unlinked_at is null
  ) a on true
  left join lateral (
    select count(*) filter (where l.status = 'success')::double precision / nullif(count(*), 0) as success_rate,
      extract(epoch from percentile_cont(0.5) within group (order by l.sync_completed_at - l.sync_started_at))::double precision
        as median_duration
    from app_public.accounts a
    join app_public.sync_logs l on l.account_id = a.id and l.user_id = a.user_id
    where a.user_id = now.user_id and a.platform_source = p.platform_source
      and l.sync_started_at > now.at - interval '30 days' and l.status <> 'in_progress'
      and l.failure_kind is distinct from 'interrupted'
  ) r on true
  where now.user_id is not null
  order by p.platform_source;
$function$;
comment on function app_public.platform_sync_status() is 'How your accounts are doing, platform by platform.';
grant execute on function app_public.platform_sync_status() to app_visitor;

CREATE OR REPLACE FUNCTION app_public.remove_push_subscription(endpoint text)
 RETURNS app_public.push_subscriptions
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  delete from app_public.push_subscriptions s
  where s.endpoint = remove_push_subscription.endpoint and s.user_id = app_public.current_user_id()
  returning s.*;
$function$;
comment on function app_public.remove_push_subscription(text) is '@param endpoint The subscription''s endpoint, as the browser gave it.
@result The subscription that was removed; null where there was none.
Ends web push to a browser.';
grant execute on function app_public.remove_push_subscription(text) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.request_all_syncs(idempotency_key text)
 RETURNS SETOF app_public.account_sync_request
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_account_id uuid;
begin
  -- Room for the account's id, which makes each account's key.
  if length(coalesce(request_all_syncs.idempotency_key, '')) not between 8 and 160 then
    raise exception 'An idempotency key for all accounts has 8 to 160 characters.' using errcode = 'KEYNV';
  end if;
  for v_account_id in
    select a.id from app_public.accounts a
    where a.user_id = app_public.current_user_id() and a.unlinked_at is null
    order by a.id
  loop
    return query
      select v_account_id, r.outcome, r.until
      from app_public.request_sync(v_account_id, request_all_syncs.idempotency_key || ':' || v_account_id) r;
  end loop;
end
$function$;
comment on function app_public.request_all_syncs(text) is '@param idempotencyKey 8 to 160 characters of your choice; the same key within 24 hours gets the same answers.
@result What became of each account.
Asks for a sync of all your accounts now; each answers for itself.';
grant execute on function app_public.request_all_syncs(text) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.request_sync(account_id uuid, idempotency_key text)
 RETURNS app_public.sync_request
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_user_id uuid := app_public.current_user_id();
  v_answer app_public.sync_request;
  v_earlier app_private.idempotency_keys;
begin
  if length(coalesce(request_sync.idempotency_key, '')) not between 8 and 200 then
    raise exception 'An idempotency key has 8 to 200 characters.' using errcode = 'KEYNV';
  end if;
  perform
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  where a.id = request_sync.account_id and a.user_id = v_user_id and a.unlinked_at is null
  for no key update of s;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;

  select * into v_earlier
  from app_private.idempotency_keys k
  where k.user_id = v_user_id and k.idempotency_key = request_sync.idempotency_key and k.created_at > v_now - interval '24 hours';
  if found then
    if v_earlier.account_id <> request_sync.account_id then
      raise exception 'This idempotency key was used for another account.' using errcode = 'KEYRE';
    end if;
    return row (v_earlier.outcome, v_earlier.until)::app_public.sync_request;
  end if;

  v_answer := app_private.queue_sync(request_sync.account_id, 'user');
  insert into app_private.idempotency_keys (user_id, idempotency_key, account_id, outcome, until, created_at)
  values (v_user_id, request_sync.idempotency_key, request_sync.account_id, v_answer.outcome, v_answer.until, v_now)
  on conflict on constraint idempotency_keys_pkey do update
    set account_id = excluded.account_id, outcome = excluded.outcome, until = excluded.until, created_at = excluded.created_at;
  return v_answer;
end
$function$;
comment on function app_public.request_sync(uuid,text) is '@param accountId The account to sync.
@param idempotencyKey 8 to 200 characters of your choice, new for each tap of the button.
@result What became of the request.
Asks for a sync of one of your accounts now. The same idempotency key within 24 hours gets the same answer.';
grant execute on function app_public.request_sync(uuid,text) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.save_push_subscription(endpoint text, p256dh text, auth text)
 RETURNS app_public.push_subscriptions
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_user_id uuid := app_public.current_user_id();
  -- Some libraries pad.
  v_p256dh text := coalesce(translate(rtrim(save_push_subscription.p256dh, '='), '+/', '-_'), '');
  v_auth text := coalesce(translate(rtrim(save_push_subscription.auth, '='), '+/', '-_'), '');
  v_saved app_public.push_subscriptions;
begin
  if v_user_id is null then
    raise exception 'Sign in to be notified.' using errcode = 'NTFND';
  end if;
  if app_private.push_service_of(save_push_subscription.endpoint) is null then
    raise exception 'The endpoint is not an address of a push service that we know.' using errcode = 'PSHNV';
  end if;
  -- An uncompressed point of P-256 begins with 4 (RFC 8291): 65 bytes, the first of them 0x04.
  if v_p256dh !~ '^B[A-P][A-Za-z0-9_-]{85}$' then
    raise exception 'p256dh is not the public key of a browser.' using errcode = 'PSHNV';
  end if;
  if v_auth !~ '^[A-Za-z0-9_-]{22}$' then
    raise exception 'auth is not the secret of a browser.' using errcode = 'PSHNV';
  end if;

  -- One of a user at a time, or two could each count twenty.
  perform pg_advisory_xact_lock(hashtextextended('push ' || v_user_id, 0));
  delete from app_public.push_subscriptions s
  where s.endpoint = save_push_subscription.endpoint and s.user_id <> v_user_id;
  insert into app_public.push_subscriptions as s (user_id, endpoint, p256dh, auth, saved_at)
  values (v_user_id, save_push_subscription.endpoint, v_p256dh, v_auth, app_private.clock())
  on conflict on constraint push_subscriptions_endpoint_key do update
  set user_id = excluded.user_id, p256dh = excluded.p256dh, auth = excluded.auth, saved_at = excluded.saved_at
  returning * into v_saved;
  delete from app_public.push_subscriptions s
  where s.id in (
    select o.id from app_public.push_subscriptions o where o.user_id = v_user_id order by o.saved_at desc, o.id desc offset 20
  );
  return v_saved;
end
$function$;
comment on function app_public.save_push_subscription(text,text,text) is '@param endpoint The subscription''s endpoint, as the browser gave it.
@param p256dh Its key p256dh, base64url.
@param auth Its key auth, base64url.
@result The saved subscription.
Lets this browser be notified by web push. Saving it again renews its keys.';
grant execute on function app_public.save_push_subscription(text,text,text) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.unlink_account(account_id uuid)
 RETURNS app_public.accounts
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_account app_public.accounts;
begin
  perform
  from app_public.accounts a
  where a.id = unlink_account.account_id and a.user_id = app_public.current_user_id();
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if cardinality(app_private.end_links(array[unlink_account.account_id], 'owner')) > 0 then
    perform app_private.ensure_job(
      'unlink_account', json_build_object('accountId', unlink_account.account_id), 'unlink:' || unlink_account.account_id
    );
  end if;
  select * into v_account from app_public.accounts a where a.id = unlink_account.account_id;
  return v_account;
end
$function$;
comment on function app_public.unlink_account(uuid) is '@param accountId The account to unlink.
Unlinks one of your accounts: nothing is read from it any more. Transactions that are stored stay.';
grant execute on function app_public.unlink_account(uuid) to app_visitor;

CREATE OR REPLACE FUNCTION app_public.unread_notifications()
 RETURNS integer
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select count(*)::integer from app_public.notifications n
  where n.user_id = app_public.current_user_id() and n.read_at is null;
$function$;
comment on function app_public.unread_notifications() is '@notNull
How many notifications you have not read.';
grant execute on function app_public.unread_notifications() to app_visitor;

-- ---------------------------------------------------------------------------------------------------- app_private

create schema app_private;
grant usage on schema app_private to app_authenticator;
grant usage on schema app_private to app_service;
grant usage on schema app_private to app_worker;

create type app_private.incoming_transaction as (
  id text,
  status app_public.transaction_status,
  direction app_public.transaction_direction,
  amount numeric,
  currency text,
  "occurredAt" timestamp with time zone,
  "occurredOn" date,
  narration text,
  category text,
  "balanceAfter" numeric,
  counterparty text
);

create type app_private.judged_page as (
  nth bigint,
  verdict text,
  account_id uuid,
  run_id bigint,
  epoch integer,
  user_id uuid,
  source app_public.transaction_source,
  page integer,
  from_day date,
  to_day date,
  new_rows app_private.incoming_transaction[],
  ids text[],
  has_windows boolean,
  settles boolean,
  settled_days daterange,
  polled json,
  transactions_task text,
  seen integer,
  missing integer,
  changed_rows app_private.incoming_transaction[],
  known_ids text[]
);

create table app_private.account_counts (
  platform_source app_public.platform_source not null,
  institution_code text not null,
  counted_at timestamp with time zone not null,
  accounts integer not null,
  paused integer not null,
  needs_owner integer not null,
  failing integer not null,
  late integer not null,
  stale integer not null,
  constraint account_counts_pkey PRIMARY KEY (platform_source, institution_code)
);
alter table app_private.account_counts enable row level security;
comment on column app_private.account_counts.counted_at is 'Business time.';
comment on column app_private.account_counts.stale is 'Neither paused nor waiting for their owner, and not synced within their interval and a quarter of an hour.';

create table app_private.admin_actions (
  id bigint not null generated always as identity,
  done_at timestamp with time zone not null default clock_timestamp(),
  done_by text not null default SESSION_USER,
  action text not null,
  platform_source app_public.platform_source,
  institution_code text,
  user_id uuid,
  account_id uuid,
  reason text not null,
  before jsonb,
  after jsonb,
  constraint admin_actions_pkey PRIMARY KEY (id),
  constraint admin_actions_reason CHECK (((length(reason) >= 3) AND (length(reason) <= 500)))
);
alter table app_private.admin_actions enable row level security;
CREATE INDEX admin_actions_account_id_idx ON app_private.admin_actions USING btree (account_id) WHERE (account_id IS NOT NULL);
CREATE INDEX admin_actions_user_id_idx ON app_private.admin_actions USING btree (user_id) WHERE (user_id IS NOT NULL);
comment on column app_private.admin_actions.before is 'What it was, by which the change can be taken back.';
comment on column app_private.admin_actions.done_at is 'Machine time.';
comment on column app_private.admin_actions.done_by is 'The login, which no security definer changes.';

create table app_private.auth_episodes (
  id bigint not null generated always as identity,
  account_id uuid not null,
  detected_at timestamp with time zone not null,
  detected_by bigint,
  recovered_at timestamp with time zone,
  told_at timestamp with time zone,
  reminded_at timestamp with time zone,
  tapped_at timestamp with time zone,
  reopened_at timestamp with time zone,
  relapses integer not null default 0,
  closed_by text,
  constraint auth_episodes_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint auth_episodes_closed_by CHECK ((closed_by = ANY (ARRAY['sync'::text, 'unlinked'::text]))),
  constraint auth_episodes_detected_by_fkey FOREIGN KEY (detected_by) REFERENCES app_public.sync_logs(id) ON DELETE SET NULL,
  constraint auth_episodes_pkey PRIMARY KEY (id),
  constraint auth_episodes_relapses CHECK ((relapses >= 0)),
  constraint auth_episodes_reopened CHECK (((reopened_at IS NULL) = (relapses = 0)))
);
alter table app_private.auth_episodes enable row level security;
CREATE INDEX auth_episodes_account_id_idx ON app_private.auth_episodes USING btree (account_id);
CREATE INDEX auth_episodes_detected_by_idx ON app_private.auth_episodes USING btree (detected_by);
CREATE INDEX auth_episodes_reminder_idx ON app_private.auth_episodes USING btree (GREATEST(told_at, reopened_at)) WHERE ((recovered_at IS NULL) AND (reminded_at IS NULL));
CREATE UNIQUE INDEX auth_episodes_open_key ON app_private.auth_episodes USING btree (account_id) WHERE (recovered_at IS NULL);
comment on column app_private.auth_episodes.recovered_at is 'When it ended; closed_by says how.';
comment on column app_private.auth_episodes.tapped_at is 'When the owner first opened the link that leads back.';
comment on column app_private.auth_episodes.told_at is 'When the owner''s feed had it; a push may come later.';

create table app_private.breakers (
  platform_source app_public.platform_source not null,
  institution_code text not null,
  failed_accounts uuid[] not null default '{}'::uuid[],
  opened_at timestamp with time zone,
  next_probe_at timestamp with time zone,
  probes integer not null default 0,
  constraint breakers_open CHECK (((opened_at IS NULL) = (next_probe_at IS NULL))),
  constraint breakers_pkey PRIMARY KEY (platform_source, institution_code),
  constraint breakers_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE
);
alter table app_private.breakers enable row level security;

create table app_private.clock_settings (
  only_row boolean not null default true,
  clock_offset interval not null default '00:00:00'::interval,
  stopped_at timestamp with time zone,
  constraint clock_settings_only_row CHECK (only_row),
  constraint clock_settings_pkey PRIMARY KEY (only_row)
);
alter table app_private.clock_settings enable row level security;

create table app_private.coverage (
  account_id uuid not null,
  source app_public.transaction_source not null,
  history_start date not null,
  settled datemultirange not null default '{}'::datemultirange,
  constraint coverage_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint coverage_pkey PRIMARY KEY (account_id, source),
  constraint coverage_source_fkey FOREIGN KEY (source) REFERENCES app_private.sources(source)
) with (fillfactor=80);
alter table app_private.coverage enable row level security;
CREATE INDEX coverage_source_idx ON app_private.coverage USING btree (source);

create table app_private.coverage_gaps (
  account_id uuid not null,
  source app_public.transaction_source not null,
  from_day date not null,
  to_day date not null,
  missing_days integer not null,
  constraint coverage_gaps_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint coverage_gaps_pkey PRIMARY KEY (account_id, source)
);
alter table app_private.coverage_gaps enable row level security;

create table app_private.credentials (
  account_id uuid not null,
  kind text not null,
  key_id text not null,
  sealed bytea not null,
  updated_at timestamp with time zone not null default now(),
  constraint credentials_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint credentials_kind CHECK ((kind ~ '^[a-z][a-z0-9_]{1,60}$'::text)),
  constraint credentials_pkey PRIMARY KEY (account_id, kind)
);
alter table app_private.credentials enable row level security;
CREATE INDEX credentials_key_id_idx ON app_private.credentials USING btree (key_id, account_id, kind);

create table app_private.deliveries (
  id uuid not null default gen_random_uuid(),
  notification_id bigint not null,
  user_id uuid not null,
  channel app_public.notification_channel not null,
  subscription_id bigint,
  created_at timestamp with time zone not null,
  next_attempt_at timestamp with time zone,
  expires_at timestamp with time zone not null,
  attempts integer not null default 0,
  last_attempt_at timestamp with time zone,
  outcome text,
  finished_at timestamp with time zone,
  code text,
  reason text,
  provider_message_id text,
  enqueued_until timestamp with time zone,
  leased_until timestamp with time zone,
  held_by text,
  needs_operator boolean not null default false,
  constraint deliveries_code CHECK ((length(code) <= 100)),
  constraint deliveries_in_app CHECK (((channel <> 'in_app'::app_public.notification_channel) OR (outcome = 'delivered'::text))),
  constraint deliveries_lease CHECK (((leased_until IS NULL) OR (held_by IS NOT NULL))),
  constraint deliveries_needs_operator CHECK (((NOT needs_operator) OR (outcome IS NULL))),
  constraint deliveries_notification_id_fkey FOREIGN KEY (notification_id) REFERENCES app_public.notifications(id) ON DELETE CASCADE,
  constraint deliveries_open CHECK ((((outcome IS NULL) = (next_attempt_at IS NOT NULL)) AND ((outcome IS NULL) = (finished_at IS NULL)))),
  constraint deliveries_outcome CHECK ((outcome = ANY (ARRAY['delivered'::text, 'unreachable'::text, 'refused'::text, 'suppressed'::text, 'superseded'::text, 'expired'::text]))),
  constraint deliveries_pkey PRIMARY KEY (id),
  constraint deliveries_provider_message_id CHECK ((length(provider_message_id) <= 200)),
  constraint deliveries_reason CHECK ((length(reason) <= 300)),
  constraint deliveries_subscription CHECK (((subscription_id IS NULL) OR (channel = 'web_push'::app_public.notification_channel))),
  constraint deliveries_subscription_id_fkey FOREIGN KEY (subscription_id) REFERENCES app_public.push_subscriptions(id) ON DELETE SET NULL
) with (fillfactor=70);
alter table app_private.deliveries enable row level security;
CREATE INDEX deliveries_due_idx ON app_private.deliveries USING btree (next_attempt_at) WHERE (outcome IS NULL);
CREATE INDEX deliveries_held_by_idx ON app_private.deliveries USING btree (held_by) WHERE (held_by IS NOT NULL);
CREATE INDEX deliveries_needs_operator_idx ON app_private.deliveries USING btree (channel) WHERE needs_operator;
CREATE INDEX deliveries_notification_id_idx ON app_private.deliveries USING btree (notification_id);
CREATE INDEX deliveries_subscription_id_idx ON app_private.deliveries USING btree (subscription_id) WHERE (subscription_id IS NOT NULL);
CREATE INDEX deliveries_user_id_idx ON app_private.deliveries USING btree (user_id, created_at);
CREATE UNIQUE INDEX deliveries_channel_key ON app_private.deliveries USING btree (notification_id, channel) WHERE (channel <> 'web_push'::app_public.notification_channel);
CREATE UNIQUE INDEX deliveries_subscription_key ON app_private.deliveries USING btree (notification_id, subscription_id) WHERE (subscription_id IS NOT NULL);
comment on column app_private.deliveries.code is 'Of the last attempt: the channel''s own word, or ours.';
comment on column app_private.deliveries.needs_operator is 'The last attempt failed of a key of ours, missing or refused.';
comment on column app_private.deliveries.next_attempt_at is 'After a failed attempt, retry_delay(attempts) ahead or when the channel asked for; never in quiet hours.';
comment on column app_private.deliveries.outcome is 'Null: not over yet. suppressed: its user did not want it any more. superseded: what it tells is no longer true.';

create table app_private.erasures (
  id uuid not null default gen_random_uuid(),
  subject uuid,
  requested_at timestamp with time zone not null,
  completed_at timestamp with time zone,
  report jsonb,
  constraint erasures_completed CHECK ((((subject IS NULL) = (completed_at IS NOT NULL)) AND ((subject IS NULL) = (report IS NOT NULL)))),
  constraint erasures_pkey PRIMARY KEY (id),
  constraint erasures_subject_key UNIQUE (subject)
);
alter table app_private.erasures enable row level security;
comment on column app_private.erasures.report is '{"app_public.accounts": {"erased": 2, "left": 0}, …}, a line for each table that could hold something of a person.';

create table app_private.idempotency_keys (
  user_id uuid not null,
  idempotency_key text not null,
  account_id uuid not null,
  outcome app_public.sync_request_outcome not null,
  until timestamp with time zone,
  created_at timestamp with time zone not null,
  constraint idempotency_keys_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint idempotency_keys_length CHECK (((length(idempotency_key) >= 8) AND (length(idempotency_key) <= 200))),
  constraint idempotency_keys_pkey PRIMARY KEY (user_id, idempotency_key)
);
alter table app_private.idempotency_keys enable row level security;
CREATE INDEX idempotency_keys_account_id_idx ON app_private.idempotency_keys USING btree (account_id);
CREATE INDEX idempotency_keys_created_at_idx ON app_private.idempotency_keys USING btree (created_at);

create table app_private.identity_keys (
  only_row boolean not null default true,
  key_id text not null,
  sealed bytea not null,
  created_at timestamp with time zone not null default now(),
  constraint identity_keys_only_row CHECK (only_row),
  constraint identity_keys_pkey PRIMARY KEY (only_row)
);
alter table app_private.identity_keys enable row level security;

create table app_private.incidents (
  id bigint not null generated always as identity,
  platform_source app_public.platform_source not null,
  institution_code text not null,
  opened_at timestamp with time zone not null,
  closed_at timestamp with time zone,
  constraint incidents_pkey PRIMARY KEY (id),
  constraint incidents_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE
);
alter table app_private.incidents enable row level security;
CREATE INDEX incidents_opened_at_idx ON app_private.incidents USING btree (platform_source, opened_at DESC);
CREATE UNIQUE INDEX incidents_open_key ON app_private.incidents USING btree (platform_source, institution_code) WHERE (closed_at IS NULL);
comment on table app_private.incidents is 'An institution, or a whole platform (institution_code ''''), that failed for many accounts at once.';

create table app_private.key_checks (
  key_id text not null,
  sealed bytea not null,
  created_at timestamp with time zone not null default now(),
  constraint key_checks_pkey PRIMARY KEY (key_id)
);
alter table app_private.key_checks enable row level security;

create table app_private.links (
  account_id uuid not null,
  base_url text,
  target_environment text,
  time_zone text not null,
  login_key text not null,
  institution_code text,
  identity_hmac bytea,
  key_renewal uuid,
  key_renewal_until timestamp with time zone,
  key_renewed_at timestamp with time zone,
  constraint links_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint links_key_renewal CHECK (((key_renewal IS NULL) = (key_renewal_until IS NULL))),
  constraint links_pkey PRIMARY KEY (account_id)
);
alter table app_private.links enable row level security;
CREATE INDEX links_identity_hmac_idx ON app_private.links USING btree (identity_hmac) WHERE (identity_hmac IS NOT NULL);
CREATE INDEX links_institution_code_idx ON app_private.links USING btree (institution_code) WHERE (institution_code IS NOT NULL);
CREATE INDEX links_key_renewal_idx ON app_private.links USING btree (key_renewal) WHERE (key_renewal IS NOT NULL);
comment on column app_private.links.base_url is 'Null: the platform''s base URL from the environment. MoMo keeps its own because MTN is moving platforms.';
comment on column app_private.links.key_renewed_at is 'When its key was last renewed automatically; forgotten when it is linked anew.';

create table app_private.pauses (
  id bigint not null generated always as identity,
  platform_source app_public.platform_source,
  institution_code text,
  user_id uuid,
  until timestamp with time zone not null,
  reason text not null,
  constraint pauses_institution_key UNIQUE (platform_source, institution_code),
  constraint pauses_pkey PRIMARY KEY (id),
  constraint pauses_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE,
  constraint pauses_scope CHECK ((((institution_code IS NOT NULL) AND (platform_source IS NOT NULL) AND (user_id IS NULL)) OR ((user_id IS NOT NULL) AND (platform_source IS NULL) AND (institution_code IS NULL)))),
  constraint pauses_user_key UNIQUE (user_id)
);
alter table app_private.pauses enable row level security;
comment on column app_private.pauses.until is 'infinity: until it is taken back.';

create table app_private.platforms (
  platform_source app_public.platform_source not null,
  label text not null,
  task_identifier text not null,
  account_type app_public.account_type not null,
  default_interval interval not null default '1 day'::interval,
  admin_interval interval,
  preferred_hour smallint not null default 2,
  sync_window interval not null default '04:00:00'::interval,
  time_zone text not null,
  cooldown interval not null default '00:05:00'::interval,
  paused_until timestamp with time zone,
  paused_reason text,
  last_dispatch_at timestamp with time zone,
  transactions_task text,
  refresh_price numeric,
  daily_refresh_cap integer,
  unlinks_for_good boolean not null default false,
  reminder_after interval default '3 days'::interval,
  outage_push_after interval not null default '00:05:00'::interval,
  constraint platforms_daily_refresh_cap CHECK ((daily_refresh_cap >= 0)),
  constraint platforms_outage_push_after CHECK ((outage_push_after >= '00:00:00'::interval)),
  constraint platforms_pkey PRIMARY KEY (platform_source),
  constraint platforms_preferred_hour CHECK (((preferred_hour >= 0) AND (preferred_hour <= 23))),
  constraint platforms_refresh_price CHECK ((refresh_price >= (0)::numeric)),
  constraint platforms_reminder_after CHECK ((reminder_after > '00:00:00'::interval)),
  constraint platforms_sync_window CHECK (((sync_window >= '00:00:00'::interval) AND (sync_window <= '24:00:00'::interval))),
  constraint platforms_transactions_task CHECK ((transactions_task ~ '^[a-z][a-z0-9_]{1,60}$'::text))
);
alter table app_private.platforms enable row level security;
comment on column app_private.platforms.last_dispatch_at is 'Machine time of the last enqueue_due_syncs; /readyz watches it.';

create table app_private.push_services (
  host text not null,
  port integer not null default 443,
  name text not null,
  constraint push_services_host CHECK ((host ~ '^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$'::text)),
  constraint push_services_name CHECK ((name <> ''::text)),
  constraint push_services_pkey PRIMARY KEY (host, port),
  constraint push_services_port CHECK (((port >= 1) AND (port <= 65535)))
);
alter table app_private.push_services enable row level security;

create table app_private.quotas (
  platform_source app_public.platform_source not null,
  requests integer,
  per interval not null default '00:00:01'::interval,
  reserve numeric not null default 0.2,
  learned numeric not null default 1,
  refused_at timestamp with time zone,
  blocked_until timestamp with time zone,
  slot_started_at timestamp with time zone,
  slot_spent integer not null default 0,
  slot_spent_in_background integer not null default 0,
  constraint quotas_learned CHECK (((learned > (0)::numeric) AND (learned <= (1)::numeric))),
  constraint quotas_per CHECK ((per > '00:00:00'::interval)),
  constraint quotas_pkey PRIMARY KEY (platform_source),
  constraint quotas_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE,
  constraint quotas_requests CHECK ((requests >= 3)),
  constraint quotas_reserve CHECK (((reserve >= (0)::numeric) AND (reserve <= 0.9)))
);
alter table app_private.quotas enable row level security;
comment on column app_private.quotas.refused_at is 'When the provider last answered 429. Machine time, as everything here.';

create table app_private.reauth_links (
  account_id uuid not null,
  key_id text not null,
  sealed bytea not null,
  minted_at timestamp with time zone not null,
  constraint reauth_links_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint reauth_links_pkey PRIMARY KEY (account_id)
);
alter table app_private.reauth_links enable row level security;
CREATE INDEX reauth_links_minted_at_idx ON app_private.reauth_links USING btree (minted_at);

create table app_private.refresh_usage (
  platform_source app_public.platform_source not null,
  day date not null,
  refreshes integer not null default 0,
  cost numeric not null default 0,
  constraint refresh_usage_pkey PRIMARY KEY (platform_source, day),
  constraint refresh_usage_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE
);
alter table app_private.refresh_usage enable row level security;

create table app_private.reschedulings (
  platform_source app_public.platform_source not null,
  requested_at timestamp with time zone not null,
  accounts integer not null,
  gone_through integer not null default 0,
  rescheduled integer not null default 0,
  last_account_id uuid not null default '00000000-0000-0000-0000-000000000000'::uuid,
  left_over uuid[] not null default '{}'::uuid[],
  ended_at timestamp with time zone,
  constraint reschedulings_pkey PRIMARY KEY (platform_source),
  constraint reschedulings_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source)
);
alter table app_private.reschedulings enable row level security;
comment on column app_private.reschedulings.accounts is 'How many were linked when it was asked for.';
comment on column app_private.reschedulings.last_account_id is 'Accounts are gone through by their ids, up to this one.';
comment on column app_private.reschedulings.left_over is 'Accounts whose row somebody held when their turn came; they have another.';

create table app_private.retention (
  subject text not null,
  keep interval,
  at_least interval not null,
  pruned_at timestamp with time zone,
  pruned bigint not null default 0,
  constraint retention_keep CHECK ((keep >= at_least)),
  constraint retention_pkey PRIMARY KEY (subject),
  constraint retention_subject CHECK ((subject = ANY (ARRAY['sync_logs'::text, 'webhooks'::text, 'transaction_revisions'::text, 'notifications'::text, 'incidents'::text, 'run_rollups_5_minutes'::text, 'run_rollups_hours'::text, 'run_rollups_days'::text, 'admin_actions'::text])))
);
alter table app_private.retention enable row level security;
comment on column app_private.retention.keep is 'Null: for ever.';
comment on column app_private.retention.pruned_at is 'Machine time of the last batch; `pruned` counts all of them.';

create table app_private.run_durations (
  grain interval not null,
  starts_at timestamp with time zone not null,
  platform_source app_public.platform_source not null,
  duration_bucket smallint not null,
  runs bigint not null,
  constraint run_durations_duration_bucket CHECK (((duration_bucket >= 0) AND (duration_bucket <= 80))),
  constraint run_durations_grain CHECK ((grain = ANY (ARRAY['00:05:00'::interval, '01:00:00'::interval, '1 day'::interval]))),
  constraint run_durations_pkey PRIMARY KEY (grain, starts_at, platform_source, duration_bucket)
) with (fillfactor=80);
alter table app_private.run_durations enable row level security;
comment on column app_private.run_durations.duration_bucket is 'As duration_bucket() has it.';
comment on table app_private.run_durations is 'Interrupted runs are not among them: they took as long as their worker lived.';

create table app_private.run_rollups (
  grain interval not null,
  starts_at timestamp with time zone not null,
  platform_source app_public.platform_source not null,
  institution_code text not null,
  outcome text not null,
  runs bigint not null,
  transactions bigint not null,
  requests bigint not null,
  constraint run_rollups_grain CHECK ((grain = ANY (ARRAY['00:05:00'::interval, '01:00:00'::interval, '1 day'::interval]))),
  constraint run_rollups_pkey PRIMARY KEY (grain, starts_at, platform_source, institution_code, outcome)
) with (fillfactor=80);
alter table app_private.run_rollups enable row level security;
comment on column app_private.run_rollups.institution_code is 'Empty where an account has none.';
comment on column app_private.run_rollups.outcome is 'success, or the kind of failure.';

create table app_private.sources (
  source app_public.transaction_source not null,
  platform_source app_public.platform_source not null,
  has_windows boolean not null,
  history_days integer not null,
  overlap_days integer not null,
  window_days integer not null,
  constraint sources_history_days CHECK (((history_days >= 1) AND (history_days <= 3660))),
  constraint sources_overlap_days CHECK (((overlap_days >= 0) AND (overlap_days <= 90))),
  constraint sources_pkey PRIMARY KEY (source),
  constraint sources_platform_source_fkey FOREIGN KEY (platform_source) REFERENCES app_private.platforms(platform_source) ON DELETE CASCADE,
  constraint sources_window_days CHECK (((window_days >= 1) AND (window_days <= 366)))
);
alter table app_private.sources enable row level security;
CREATE INDEX sources_platform_source_idx ON app_private.sources USING btree (platform_source);

create table app_private.statistics (
  only_row boolean not null default true,
  runs_through bigint not null default 0,
  runs_folded_at timestamp with time zone,
  accounts_counted_at timestamp with time zone,
  gaps_found_at timestamp with time zone,
  constraint statistics_only_row CHECK (only_row),
  constraint statistics_pkey PRIMARY KEY (only_row)
);
alter table app_private.statistics enable row level security;
comment on column app_private.statistics.runs_folded_at is 'Machine time, as all moments of this row.';

create table app_private.sync_states (
  account_id uuid not null,
  platform_source app_public.platform_source not null,
  next_sync_at timestamp with time zone not null,
  enqueued_until timestamp with time zone,
  run_id bigint,
  epoch integer not null default 0,
  held_by text,
  failures integer not null default 0,
  last_failure_kind app_public.failure_kind,
  admin_interval interval,
  activity smallint,
  provider_state jsonb not null default '{}'::jsonb,
  failing_since timestamp with time zone,
  failing_told_at timestamp with time zone,
  constraint sync_states_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint sync_states_failures CHECK ((failures >= 0)),
  constraint sync_states_lease CHECK (((held_by IS NULL) OR (run_id IS NOT NULL))),
  constraint sync_states_pkey PRIMARY KEY (account_id)
) with (fillfactor=70);
alter table app_private.sync_states enable row level security;
CREATE INDEX sync_states_dispatch_idx ON app_private.sync_states USING btree (platform_source, GREATEST(next_sync_at, enqueued_until));
CREATE INDEX sync_states_failing_idx ON app_private.sync_states USING btree (platform_source, next_sync_at) WHERE (failures > 0);

create table app_private.tag_mirrors (
  user_id uuid not null,
  version integer not null default 1,
  next_attempt_at timestamp with time zone,
  attempts integer not null default 0,
  mirrored_at timestamp with time zone,
  code text,
  reason text,
  enqueued_until timestamp with time zone,
  needs_operator boolean not null default false,
  constraint tag_mirrors_code CHECK ((length(code) <= 100)),
  constraint tag_mirrors_pkey PRIMARY KEY (user_id),
  constraint tag_mirrors_reason CHECK ((length(reason) <= 300))
);
alter table app_private.tag_mirrors enable row level security;
CREATE INDEX tag_mirrors_due_idx ON app_private.tag_mirrors USING btree (next_attempt_at) WHERE (next_attempt_at IS NOT NULL);
CREATE INDEX tag_mirrors_needs_operator_idx ON app_private.tag_mirrors USING btree (user_id) WHERE needs_operator;

create table app_private.tombstones (
  platform_source app_public.platform_source not null,
  external_id_hmac bytea not null,
  unlinked_at timestamp with time zone not null,
  constraint tombstones_external_id_hmac CHECK ((length(external_id_hmac) = 32)),
  constraint tombstones_pkey PRIMARY KEY (platform_source, external_id_hmac)
);
alter table app_private.tombstones enable row level security;

create table app_private.tracked_references (
  reference_id uuid not null,
  account_id uuid not null,
  operation text not null default 'requesttopay'::text,
  base_url text not null,
  target_environment text not null,
  requested_at timestamp with time zone not null,
  outcome text not null default 'open'::text,
  polls integer not null default 0,
  next_poll_at timestamp with time zone,
  settled_at timestamp with time zone,
  constraint tracked_references_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint tracked_references_open CHECK (((outcome = 'open'::text) = (next_poll_at IS NOT NULL))),
  constraint tracked_references_operation CHECK ((operation = ANY (ARRAY['requesttopay'::text, 'requesttowithdraw'::text]))),
  constraint tracked_references_outcome CHECK ((outcome = ANY (ARRAY['open'::text, 'settled'::text, 'unknown'::text]))),
  constraint tracked_references_pkey PRIMARY KEY (reference_id)
);
alter table app_private.tracked_references enable row level security;
CREATE INDEX tracked_references_account_id_idx ON app_private.tracked_references USING btree (account_id, next_poll_at);

create table app_private.unfolded_runs (
  run_id bigint not null,
  since timestamp with time zone not null default clock_timestamp(),
  constraint unfolded_runs_pkey PRIMARY KEY (run_id)
);
alter table app_private.unfolded_runs enable row level security;

create table app_private.unlinkings (
  id bigint not null generated always as identity,
  account_id uuid not null,
  platform_source app_public.platform_source not null,
  external_id text not null,
  reason text not null,
  state text not null default 'open'::text,
  requested_at timestamp with time zone not null,
  attempts integer not null default 0,
  last_tried_at timestamp with time zone,
  next_try_at timestamp with time zone,
  last_failure_kind app_public.failure_kind,
  last_failure text,
  confirmed_at timestamp with time zone,
  secrets_dropped_at timestamp with time zone,
  constraint unlinkings_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint unlinkings_last_failure CHECK ((length(last_failure) <= 300)),
  constraint unlinkings_open CHECK ((((state = 'open'::text) = (next_try_at IS NOT NULL)) AND ((state = 'done'::text) = (confirmed_at IS NOT NULL)))),
  constraint unlinkings_order CHECK ((secrets_dropped_at >= confirmed_at)),
  constraint unlinkings_pkey PRIMARY KEY (id),
  constraint unlinkings_reason CHECK ((reason = ANY (ARRAY['owner'::text, 'backend'::text, 'erasure'::text, 'superseded'::text]))),
  constraint unlinkings_state CHECK ((state = ANY (ARRAY['open'::text, 'done'::text])))
);
alter table app_private.unlinkings enable row level security;
CREATE INDEX unlinkings_account_id_idx ON app_private.unlinkings USING btree (account_id);
CREATE INDEX unlinkings_due_idx ON app_private.unlinkings USING btree (next_try_at) WHERE (state = 'open'::text);
CREATE UNIQUE INDEX unlinkings_once_key ON app_private.unlinkings USING btree (external_id, account_id, platform_source);
comment on column app_private.unlinkings.attempts is 'The next one follows after retry_delay(attempts).';
comment on column app_private.unlinkings.reason is 'superseded: the same bank account was linked anew under another id, and the old one must not stay open at the provider.';
comment on column app_private.unlinkings.secrets_dropped_at is 'Null in a row that is done: the account was linked anew, or waits for another unlinking of its own.';

create table app_private.upcoming_counts (
  platform_source app_public.platform_source not null,
  starts_at timestamp with time zone not null,
  kind text not null,
  accounts integer not null,
  constraint upcoming_counts_kind CHECK ((kind = ANY (ARRAY['scheduled'::text, 'retry'::text, 'waiting'::text]))),
  constraint upcoming_counts_pkey PRIMARY KEY (platform_source, starts_at, kind)
);
alter table app_private.upcoming_counts enable row level security;

create table app_private.wallet_tokens (
  wallet_key text not null,
  key_id text not null,
  sealed bytea not null,
  expires_at timestamp with time zone not null,
  constraint wallet_tokens_pkey PRIMARY KEY (wallet_key)
);
alter table app_private.wallet_tokens enable row level security;

create table app_private.webhooks (
  id bigint not null generated always as identity,
  platform_source app_public.platform_source not null,
  dedupe_key text not null,
  body_hmac bytea not null,
  event text not null,
  event_id text,
  provider_account_id text,
  reference_id uuid,
  job_id text,
  status text,
  data_status text,
  sync_status text,
  has_new_data boolean,
  occurred_at timestamp with time zone,
  received_at timestamp with time zone not null,
  processed_at timestamp with time zone,
  outcome text,
  account_id uuid,
  constraint webhooks_account_id_fkey FOREIGN KEY (account_id) REFERENCES app_public.accounts(id) ON DELETE CASCADE,
  constraint webhooks_body_hmac CHECK ((length(body_hmac) = 32)),
  constraint webhooks_data_status CHECK ((data_status ~ '^[A-Z_]{1,40}$'::text)),
  constraint webhooks_dedupe_key CHECK (((length(dedupe_key) >= 1) AND (length(dedupe_key) <= 200))),
  constraint webhooks_event CHECK ((event ~ '^[A-Za-z_.]{1,100}$'::text)),
  constraint webhooks_event_id CHECK ((event_id ~ '^[\w-]{1,100}$'::text)),
  constraint webhooks_job_id CHECK ((job_id ~ '^[\w-]{1,100}$'::text)),
  constraint webhooks_once UNIQUE (platform_source, dedupe_key),
  constraint webhooks_outcome CHECK ((outcome = ANY (ARRAY['unknown_account'::text, 'unlinked'::text, 'ignored'::text, 'nothing'::text, 'needs_you'::text, 'resumed'::text, 'run_held'::text, 'queued'::text, 'running'::text, 'deferred'::text, 'paused'::text, 'provider_down'::text]))),
  constraint webhooks_pkey PRIMARY KEY (id),
  constraint webhooks_provider_account_id CHECK ((provider_account_id ~ '^[\w-]{1,100}$'::text)),
  constraint webhooks_status CHECK ((status = ANY (ARRAY['processing'::text, 'finished'::text, 'failed'::text, 'pending'::text, 'created'::text, 'successful'::text]))),
  constraint webhooks_sync_status CHECK ((sync_status ~ '^[A-Z_]{1,40}$'::text))
);
alter table app_private.webhooks enable row level security;
CREATE INDEX webhooks_account_id_idx ON app_private.webhooks USING btree (account_id, received_at);
CREATE INDEX webhooks_inbox_idx ON app_private.webhooks USING btree (id) WHERE (outcome IS NULL);
CREATE INDEX webhooks_platform_received_idx ON app_private.webhooks USING btree (platform_source, received_at);
CREATE INDEX webhooks_unknown_account_idx ON app_private.webhooks USING btree (provider_account_id) WHERE (outcome = 'unknown_account'::text);
comment on column app_private.webhooks.occurred_at is 'When the provider says that it happened; null where it does not say.';
comment on column app_private.webhooks.outcome is 'What came of it; null: not judged yet. unknown_account is judged again when that account is linked.';
comment on column app_private.webhooks.status is 'Of Mono''s job, or of the MoMo payment.';

create table app_private.workers (
  worker_id text not null,
  runner text not null,
  started_at timestamp with time zone not null default now(),
  beat_at timestamp with time zone not null default now(),
  constraint workers_pkey PRIMARY KEY (worker_id)
);
alter table app_private.workers enable row level security;

CREATE OR REPLACE FUNCTION app_private.account_sync_states()
 RETURNS TABLE(account_id uuid, phase app_public.sync_phase, next_sync_at timestamp with time zone, waiting_until timestamp with time zone, cooling_down_until timestamp with time zone, retrying_at timestamp with time zone, provider_down_until timestamp with time zone, paused_until timestamp with time zone, failures integer, last_failure_kind app_public.failure_kind, run_started_at timestamp with time zone, run_pages integer, run_transactions integer, windows_left integer, open_references integer, history_start date, settled app_public.day_span[], gaps app_public.day_span[])
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER COST 1000 ROWS 5
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_user_id uuid := app_public.current_user_id();
begin
  return query
    select
      a.id as account_id,
      case
        when a.unlinked_at is not null then 'unlinked'::app_public.sync_phase
        when a.paused_at is not null or p.paused_until > v_now or z.until is not null then 'paused'
        when s.held_by is not null then 'running'
        when s.run_id is not null then 'waiting'
        when a.sync_status = 'auth_required' then 'needs_you'
        when b.down_until is not null then 'provider_down'
        when s.failures > 0 and s.next_sync_at > v_now then 'retrying'
        when s.next_sync_at <= v_now or s.enqueued_until > v_now then 'queued'
        when a.last_synced_at is null then 'never_synced'
        else 'up_to_date'
      end as phase,
      case when a.unlinked_at is null and a.paused_at is null and s.run_id is null then nullif(greatest(s.next_sync_at, z.until), 'infinity') end
        as next_sync_at,
      case when s.run_id is not null and s.held_by is null then s.next_sync_at end as waiting_until,
      case when a.last_sync_attempt + p.cooldown > v_now then a.last_sync_attempt + p.cooldown end as cooling_down_until,
      case when s.run_id is null and s.failures > 0 and s.next_sync_at > v_now then s.next_sync_at end as retrying_at,
      b.down_until as provider_down_until,
      case when p.paused_until > v_now or z.until is not null then nullif(greatest(p.paused_until, z.until), 'infinity') end as paused_until,
      s.failures,
      s.last_failure_kind,
      r.sync_started_at as run_started_at,
      r.pages as run_pages,
      r.transactions_synced as run_transactions,
      case when s.run_id is not null then (
        select count(*)::integer
        from app_private.due_windows(c.history_start, c.settled, (v_now at time zone l.time_zone)::date, c.window_days)
      ) end as windows_left,
      (
        select count(*)::integer from app_private.tracked_references t where t.account_id = a.id and t.outcome = 'open'
      ) as open_references,
      c.history_start,
      array(
        select (lower(d), upper(d) - 1)::app_public.day_span from unnest(c.settled) as d order by d
      ) as settled,
      array(
        select (lower(d), upper(d) - 1)::app_public.day_span
        from unnest(
          datemultirange(daterange(c.history_start, greatest(upper(c.settled), c.history_start))) - c.settled
        ) as d
        order by d
      ) as gaps
    from app_public.accounts a
    join app_private.sync_states s on s.account_id = a.id
    join app_private.links l on l.account_id = a.id
    join app_private.platforms p on p.platform_source = a.platform_source
    left join app_public.sync_logs r on r.id = s.run_id
    left join app_private.standing_pauses(array(select o.id from app_public.accounts o where o.user_id = v_user_id)) z
      on z.account_id = a.id
    left join lateral (
      select max(b.next_probe_at) as down_until
      from app_private.breakers b
      where b.platform_source = a.platform_source and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    ) b on true
    left join lateral (
      select max(c.history_start) as history_start, range_intersect_agg(c.settled) as settled, min(so.window_days) as window_days
      from app_private.coverage c
      join app_private.sources so on so.source = c.source and so.has_windows
      where c.account_id = a.id
    ) c on true
    where a.user_id = v_user_id;
end
$function$;
grant execute on function app_private.account_sync_states() to app_visitor;

CREATE OR REPLACE FUNCTION app_private.accounts_of_institution(p_platform app_public.platform_source, p_institution text)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(array_agg(a.id), '{}')
  from app_private.links l
  join app_public.accounts a on a.id = l.account_id
  where l.institution_code = p_institution and a.platform_source = p_platform and a.unlinked_at is null;
$function$;

CREATE OR REPLACE FUNCTION app_private.accounts_of_user(p_user_id uuid)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(array_agg(a.id), '{}') from app_public.accounts a where a.user_id = p_user_id and a.unlinked_at is null;
$function$;

CREATE OR REPLACE FUNCTION app_private.announce(p_kind text, p_of jsonb[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select pg_notify('tidemark', json_build_object('kind', p_kind, 'of', json_agg(entry))::text)
  from unnest(p_of) with ordinality as o (entry, n)
  group by (n - 1) / 60;
$function$;

CREATE OR REPLACE FUNCTION app_private.applied_migrations()
 RETURNS TABLE(name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select m.name::text from app_private.migrations m order by m.id;
$function$;
grant execute on function app_private.applied_migrations() to app_authenticator;

CREATE OR REPLACE FUNCTION app_private.beat(p_worker text, p_runner text, p_active uuid[] DEFAULT NULL::uuid[], p_jobs bigint[] DEFAULT NULL::bigint[])
 RETURNS TABLE(workers_buried integer, runs_reclaimed integer, jobs_freed integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_dead text[];
  v_reclaimed integer := 0;
  v_freed integer := 0;
begin
  insert into app_private.workers as w (worker_id, runner) values (p_worker, p_runner)
  on conflict (worker_id) do update set beat_at = clock_timestamp();

  with dead as (
    delete from app_private.workers w
    where w.worker_id in (
      select d.worker_id
      from app_private.workers d
      where d.beat_at < clock_timestamp() - interval '20 seconds'
      for update skip locked
    )
    returning w.worker_id
  )
  select coalesce(array_agg(worker_id), '{}') into v_dead from dead;

  -- Leases of workers that never registered, or were buried while beginning one.
  v_dead := v_dead || coalesce((
    select array_agg(distinct s.held_by)
    from app_public.sync_logs l
    join app_private.sync_states s on s.account_id = l.account_id
    -- A run that waits for its provider has no holder; and null differs from all of none.
    where l.status = 'in_progress' and s.held_by is not null and s.held_by <> all (v_dead)
      and not exists (select from app_private.workers w where w.worker_id = s.held_by)
  ), '{}');

  -- Jobs of pools that were killed between taking their first job and registering.
  v_dead := v_dead || coalesce((
    select array_agg(distinct j.locked_by)
    from graphile_worker._private_jobs j
    where j.locked_at < clock_timestamp() - interval '30 seconds' and j.locked_by <> all (v_dead)
      and not exists (select from app_private.workers w where w.worker_id = j.locked_by)
  ), '{}');

  -- Accounts before jobs, as everybody does who adds a job for an account: the other way round, this and a tick of the
  -- dispatcher waited for each other.
  if p_active is not null then
    v_reclaimed := app_private.reclaim_runs(array[p_worker], p_active);
  end if;
  if cardinality(v_dead) > 0 then
    v_reclaimed := v_reclaimed + app_private.reclaim_runs(v_dead);
    perform app_private.free_deliveries(v_dead);
    perform graphile_worker.force_unlock_workers(v_dead);
  end if;
  if p_jobs is not null then
    -- None of our jobs has a named queue, whose lock would have to be freed with it.
    update graphile_worker._private_jobs j
    set locked_at = null, locked_by = null, run_at = greatest(j.run_at, now())
    where j.locked_by = p_worker and j.locked_at < clock_timestamp() - interval '15 seconds' and j.id <> all (p_jobs)
      and j.job_queue_id is null;
    get diagnostics v_freed = row_count;
  end if;
  return query select cardinality(v_dead), v_reclaimed, v_freed;
end
$function$;
grant execute on function app_private.beat(text,text,uuid[],bigint[]) to app_worker;

CREATE OR REPLACE FUNCTION app_private.begin_deliveries(p_channel app_public.notification_channel, p_worker text, p_ids uuid[])
 RETURNS TABLE(id uuid, attempt integer, user_id uuid, kind app_public.notification_kind, platform_source app_public.platform_source, account_id uuid, account_name text, params jsonb, language app_public.notification_language, topic text, expires_at timestamp with time zone, now timestamp with time zone, subscription json, run_id text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_locked uuid[];
  v_claimed uuid[];
begin
  -- A statement of its own: what is judged next is as it stands once these are locked. An episode that is opened again at
  -- this moment waits for that lock (open_episodes), and then finds what was called off because of it. Nor is a locked row
  -- skipped, as elsewhere: this job is the only one that will ask, and whoever holds the lock does so for milliseconds.
  v_locked := array(
    select d.id
    from app_private.deliveries d
    where d.id = any (p_ids) and d.channel = p_channel and d.outcome is null and d.next_attempt_at <= v_now
      and coalesce(d.leased_until, '-infinity') <= clock_timestamp()
    order by d.id
    for no key update
  );

  with judged as (
    select d.id,
      case
        when d.expires_at <= v_now then array['expired', 'too_late', d.reason]
        when c.paused then array['suppressed', 'paused', 'Its user paused everything.']
        when not coalesce(s.notifications_enabled, true) then
          array['suppressed', 'platform_off', 'Its user wants no pushes about this platform.']
        when not coalesce(w.enabled, true) then array['suppressed', 'channel_off', 'Its user switched this channel off.']
        when a.unlinked_at is not null then array['superseded', 'unlinked', 'The account was unlinked.']
        when n.kind in ('reauth_required', 'reauth_reminder') and e.recovered_at is not null
          or n.kind = 'sync_failing' and f.failing_told_at is null
          or n.kind = 'provider_down' and i.closed_at is not null
        then array['superseded', 'recovered', 'What it tells of was over before it could be delivered.']
        when p_channel = 'web_push' and d.subscription_id is null then
          array['unreachable', 'subscription_gone', 'The browser is subscribed no longer.']
      end as verdict,
      case when c.quiet_hours then app_private.quiet_until(v_now, c.quiet_from, c.quiet_to, c.time_zone) end as quiet_until
    from app_private.deliveries d
    join app_public.notifications n on n.id = d.notification_id
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_public.accounts a on a.id = n.account_id
    left join app_private.sync_states f on f.account_id = n.account_id
    left join app_private.auth_episodes e on e.id = n.episode_id
    left join app_private.incidents i on i.id = n.incident_id
    left join app_public.sync_settings s on s.user_id = n.user_id and s.platform_source = n.platform_source
    left join app_public.notification_channels w
      on w.user_id = n.user_id and w.platform_source = n.platform_source and w.channel = p_channel
    where d.id = any (v_locked)
  ),
  decided as (
    update app_private.deliveries d
    set outcome = j.verdict[1],
      finished_at = case when j.verdict is not null then v_now end,
      code = coalesce(j.verdict[2], d.code),
      reason = coalesce(j.verdict[3], d.reason),
      next_attempt_at = case when j.verdict is null then coalesce(j.quiet_until, d.next_attempt_at) end,
      enqueued_until = null,
      needs_operator = d.needs_operator and j.verdict is null,
      attempts = d.attempts + claim.made::integer,
      last_attempt_at = case when claim.made then v_now else d.last_attempt_at end,
      leased_until = case when claim.made then clock_timestamp() + interval '2 minutes' end,
      held_by = case when claim.made then p_worker end
    from judged j
    cross join lateral (select j.verdict is null and j.quiet_until is null) as claim (made)
    where d.id = j.id
    returning d.id, claim.made
  )
  select array_agg(d.id) into v_claimed from decided d where d.made;

  return query
    select d.id, d.attempts, d.user_id, n.kind, n.platform_source, n.account_id, a.account_name, n.params, c.language,
      case
        when n.episode_id is not null then 'episode-' || n.episode_id
        when n.incident_id is not null then 'incident-' || n.incident_id
        when n.account_id is not null then 'account-' || left(replace(n.account_id::text, '-', ''), 24)
        else 'notification-' || n.id
      end,
      d.expires_at, v_now,
      case when b.id is not null then json_build_object('endpoint', b.endpoint, 'p256dh', b.p256dh, 'auth', b.auth) end,
      -- The run that it tells of, for the log: the one that found the episode, or that ended in the transaction which wrote it.
      coalesce(e.detected_by, (
        select max(r.id)
        from app_public.accounts o
        cross join lateral (
          select l.id, l.sync_completed_at
          from app_public.sync_logs l
          where l.account_id = o.id and l.user_id = o.user_id
          order by l.id desc
          limit 20
        ) r
        where o.user_id = n.user_id and o.platform_source = n.platform_source and o.id = coalesce(n.account_id, o.id)
          and r.sync_completed_at = n.created_at
      ))::text
    from app_private.deliveries d
    join app_public.notifications n on n.id = d.notification_id
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_public.accounts a on a.id = n.account_id
    left join app_private.auth_episodes e on e.id = n.episode_id and n.kind in ('reauth_required', 'reauth_reminder')
    left join app_public.push_subscriptions b on b.id = d.subscription_id
    where d.id = any (v_claimed);
end
$function$;
grant execute on function app_private.begin_deliveries(app_public.notification_channel,text,uuid[]) to app_worker;

CREATE OR REPLACE FUNCTION app_private.begin_syncs(p_platform app_public.platform_source, p_worker text, p_requests json)
 RETURNS TABLE(account_id uuid, outcome text, details json)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_outcomes jsonb;
  v_begun uuid[];
  v_first uuid[];
  v_down jsonb;
  v_paused jsonb;
  v_may_refresh uuid[];
begin
  select coalesce(array_agg(r."accountId") filter (where r.trigger in ('user', 'webhook')), '{}'),
    (select coalesce(jsonb_object_agg(b.account_id, b.until), '{}')
     from app_private.pass_breakers(array_agg(r."accountId"),
       coalesce(array_agg(r."accountId") filter (where r.trigger in ('user', 'webhook')), '{}')) b),
    (select coalesce(jsonb_object_agg(z.account_id, z.until), '{}')
     from app_private.standing_pauses(array_agg(r."accountId")) z)
  into v_first, v_down, v_paused
  from json_to_recordset(p_requests) as r ("accountId" uuid, trigger app_public.sync_trigger);

  with requests as (
    select distinct on (r."accountId") r."accountId" as id, r."dueAt" as due_at, coalesce(r.trigger, 'schedule') as trigger
    from json_to_recordset(p_requests) as r ("accountId" uuid, "dueAt" timestamptz, trigger app_public.sync_trigger)
    order by r."accountId", r."dueAt" nulls first
  ),
  locked as (
    select s.account_id, s.next_sync_at
    from app_private.sync_states s
    where s.account_id in (select id from requests)
    order by s.account_id
    for no key update skip locked
  ),
  judged as (
    select r.id, r.trigger, a.user_id,
      case
        when a.id is null then 'not_found'
        when a.platform_source <> p_platform then 'wrong_platform'
        when a.unlinked_at is not null then 'unlinked'
        when a.paused_at is not null or p.paused_until > v_now or v_paused ? r.id::text then 'paused'
        when l.account_id is null then 'busy'
        when l.next_sync_at > r.due_at then 'stale'
        when v_down ? r.id::text then 'provider_down'
      end as refusal
    from requests r
    left join app_public.accounts a on a.id = r.id
    left join app_private.platforms p on p.platform_source = a.platform_source
    left join locked l on l.account_id = r.id
  ),
  opened as (
    insert into app_public.sync_logs (account_id, user_id, platform_source, trigger, sync_started_at)
    select j.id, j.user_id, p_platform, j.trigger, v_now
    from judged j
    where j.refusal is null
    on conflict (account_id) where status = 'in_progress' do nothing
    returning id, account_id
  ),
  leased as (
    update app_private.sync_states s
    set run_id = o.id, epoch = s.epoch + 1, held_by = p_worker, enqueued_until = 'infinity'
    from opened o
    where s.account_id = o.account_id
    returning s.account_id
  ),
  put_off as (
    update app_private.sync_states s
    set next_sync_at = (v_down ->> j.id::text)::timestamptz + interval '30 seconds' * app_private.stable_jitter(j.id::text),
      enqueued_until = null
    from judged j
    where s.account_id = j.id and j.refusal = 'provider_down' and s.run_id is null
  ),
  paused as (
    update app_private.sync_states s
    set enqueued_until = (v_paused ->> j.id::text)::timestamptz
    from judged j
    where s.account_id = j.id and j.refusal = 'paused' and v_paused ? j.id::text and s.run_id is null
  )
  select
    jsonb_object_agg(j.id, coalesce(j.refusal, case when l.account_id is null then 'running' else 'begun' end)),
    array_agg(l.account_id) filter (where l.account_id is not null)
  into v_outcomes, v_begun
  from judged j
  left join leased l on l.account_id = j.id;
  if v_down <> '{}' then
    perform app_private.tell_outage(array(
      select o.key::uuid from jsonb_each_text(v_outcomes) o where o.value = 'provider_down'
    ));
  end if;
  v_may_refresh := app_private.reserve_refreshes(p_platform, coalesce(v_begun, '{}'), v_first);

  return query
    select o.key::uuid, o.value, d.details
    from jsonb_each_text(coalesce(v_outcomes, '{}')) o
    left join app_private.lease_details(v_begun, v_first, v_may_refresh) d on d.account_id = o.key::uuid;
end
$function$;
grant execute on function app_private.begin_syncs(app_public.platform_source,text,json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.begin_tag_mirror(p_user_id uuid)
 RETURNS TABLE(version integer, mono app_public.sync_status, mtn_momo app_public.sync_status, now timestamp with time zone)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with claimed as (
    update app_private.tag_mirrors m
    set attempts = m.attempts + 1, next_attempt_at = app_private.clock() + interval '5 minutes'
    where m.user_id = p_user_id and m.next_attempt_at <= app_private.clock()
    returning m.version
  ),
  states as (
    select a.platform_source,
      case
        when bool_or(a.sync_status = 'auth_required') then 'auth_required'::app_public.sync_status
        when bool_or(a.sync_status = 'error') then 'error'
        else 'active'
      end as state
    from app_public.accounts a
    left join app_public.sync_settings s on s.user_id = a.user_id and s.platform_source = a.platform_source
    left join app_public.notification_channels w
      on w.user_id = a.user_id and w.platform_source = a.platform_source and w.channel = 'onesignal'
    where a.user_id = p_user_id and a.unlinked_at is null
      and coalesce(s.notifications_enabled, true) and coalesce(w.enabled, true)
    group by a.platform_source
  )
  select c.version,
    (select state from states where platform_source = 'mono'),
    (select state from states where platform_source = 'mtn_momo'),
    app_private.clock()
  from claimed c;
$function$;
grant execute on function app_private.begin_tag_mirror(uuid) to app_worker;

CREATE OR REPLACE FUNCTION app_private.begin_unlinkings(p_platforms app_public.platform_source[], p_account_id uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 1)
 RETURNS TABLE(id bigint, account_id uuid, platform_source app_public.platform_source, external_id text, now timestamp with time zone)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with due as (
    select u.id
    from app_private.unlinkings u
    where u.state = 'open' and u.next_try_at <= app_private.clock() and u.platform_source = any (p_platforms)
      and (p_account_id is null or u.account_id = p_account_id)
    order by u.next_try_at, u.id
    limit p_limit
    for no key update skip locked
  )
  update app_private.unlinkings u
  set attempts = u.attempts + 1, last_tried_at = app_private.clock(),
    next_try_at = app_private.clock() + app_private.retry_delay(u.attempts + 1, u.account_id)
  from due
  where u.id = due.id
  returning u.id, u.account_id, u.platform_source, u.external_id, app_private.clock();
$function$;
grant execute on function app_private.begin_unlinkings(app_public.platform_source[],uuid,integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.check_pause_end(p_until timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if coalesce(p_until <= app_private.clock(), true) then
    raise exception 'A pause ends in the future. Leave its end out for one that lasts until it is taken back.' using errcode = 'SETNV';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.check_sync_interval(p_interval interval)
 RETURNS void
 LANGUAGE plpgsql
 IMMUTABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_interval < interval '15 minutes' or p_interval > interval '30 days' then
    raise exception 'An interval lies between 15 minutes and 30 days.' using errcode = 'SETNV';
  end if;
  if p_interval > interval '1 day' and mod(extract(epoch from p_interval), 86400) <> 0 then
    raise exception 'An interval of more than a day is a whole number of days.' using errcode = 'SETNV';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.check_time_zone(p_time_zone text)
 RETURNS void
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_time_zone is not null and not exists (select from pg_catalog.pg_timezone_names z where z.name = p_time_zone) then
    raise exception 'The time zone must be an IANA name, such as Africa/Lagos.' using errcode = 'SETNV';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.claim_key_renewal(p_account_id uuid, p_run_id bigint, p_epoch integer, p_holder uuid)
 RETURNS TABLE(outcome text, external_id text, key_id text, sealed bytea, account_ids uuid[], has_open_references boolean)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_outcome text := 'claimed';
  v_proven uuid[];
  v_renewed_at timestamptz;
  v_busy boolean;
begin
  perform
  from app_private.links l
  join app_public.accounts a on a.id = l.account_id
  join app_public.accounts mine on mine.id = p_account_id and mine.mtn_reference_id = a.mtn_reference_id
  order by l.account_id
  for no key update of l;

  select
    array_agg(l.account_id order by l.account_id) filter (where a.last_synced_at >= a.linked_at and a.unlinked_at is null),
    max(l.key_renewed_at),
    coalesce(bool_or(l.key_renewal_until > v_now and l.key_renewal <> p_holder), false)
  into v_proven, v_renewed_at, v_busy
  from app_public.accounts mine
  join app_private.links own on own.account_id = mine.id
  join app_public.accounts a on a.mtn_reference_id = mine.mtn_reference_id
  join app_private.links l on l.account_id = a.id
    and l.base_url is not distinct from own.base_url and l.target_environment is not distinct from own.target_environment
  where mine.id = p_account_id;

  if not exists (
    select from app_private.sync_states s
    where s.account_id = p_account_id and s.run_id = p_run_id and s.epoch = p_epoch and s.held_by is not null
  ) then
    v_outcome := 'lost';
  elsif not coalesce(p_account_id = any (v_proven), false) then
    v_outcome := 'unproven';
  elsif v_busy then
    v_outcome := 'busy';
  elsif v_renewed_at > v_now - interval '1 day' then
    v_outcome := 'renewed';
  else
    update app_private.links l
    set key_renewal = p_holder, key_renewal_until = v_now + interval '2 minutes'
    where l.account_id = any (v_proven);
  end if;

  return query
    select v_outcome, a.mtn_reference_id, c.key_id, c.sealed, coalesce(v_proven, '{}'), exists (
      select from app_private.tracked_references t where t.account_id = any (v_proven) and t.outcome = 'open'
    )
    from app_public.accounts a
    left join app_private.credentials c on c.account_id = a.id and c.kind = 'momo_api_key'
    where a.id = p_account_id;
end
$function$;
grant execute on function app_private.claim_key_renewal(uuid,bigint,integer,uuid) to app_worker;

CREATE OR REPLACE FUNCTION app_private.clean_up()
 RETURNS TABLE(idempotency_keys integer, wallet_tokens integer, jobs integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  delete from app_private.idempotency_keys where created_at < app_private.clock() - interval '24 hours';
  get diagnostics idempotency_keys = row_count;
  delete from app_private.wallet_tokens where expires_at < app_private.clock();
  get diagnostics wallet_tokens = row_count;
  delete from app_private.reauth_links where minted_at < app_private.clock() - interval '1 hour';
  perform graphile_worker.complete_jobs(array(
    select j.id
    from graphile_worker.jobs j
    where j.attempts >= j.max_attempts and j.locked_at is null
      and (j.task_identifier in ('process_webhooks', 'send_onesignal', 'send_web_push', 'mirror_tags') or j.task_identifier in (select p.task_identifier from app_private.platforms p))
  ));
  get diagnostics jobs = row_count;
  if exists (select from app_private.webhooks w where w.outcome is null) then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return next;
end
$function$;
grant execute on function app_private.clean_up() to app_worker;

CREATE OR REPLACE FUNCTION app_private.clock()
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE PARALLEL SAFE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(stopped_at, now() + clock_offset) from app_private.clock_settings;
$function$;
comment on function app_private.clock() is 'Business time.';
grant execute on function app_private.clock() to app_admin;
grant execute on function app_private.clock() to app_service;
grant execute on function app_private.clock() to app_worker;

CREATE OR REPLACE FUNCTION app_private.close_breaker(p_platform app_public.platform_source, p_institution text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_incident_id bigint;
begin
  update app_private.breakers b
  set failed_accounts = '{}', opened_at = null, next_probe_at = null, probes = 0
  where b.platform_source = p_platform and b.institution_code = p_institution;
  update app_private.incidents i
  set closed_at = v_now
  where i.platform_source = p_platform and i.institution_code = p_institution and i.closed_at is null
  returning i.id into v_incident_id;
  perform app_private.tell_restored(v_incident_id);
  with waiting as (
    select s.account_id
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform
      and (p_institution = '' or l.institution_code = p_institution)
      and s.last_failure_kind in ('transient', 'provider_down') and s.run_id is null
      and s.next_sync_at > v_now + interval '1 minute'
    -- A row that is locked is being closed by somebody who may wait for our breaker.
    for no key update of s skip locked
  )
  update app_private.sync_states s
  set next_sync_at = v_now + interval '1 minute' * app_private.stable_jitter(s.account_id::text)
  from waiting w
  where s.account_id = w.account_id;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.close_episodes(p_account_ids uuid[], p_by text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_closed bigint[];
begin
  with closed as (
    update app_private.auth_episodes e
    set recovered_at = app_private.clock(), closed_by = p_by
    where e.account_id = any (p_account_ids) and e.recovered_at is null
    returning e.id
  )
  select array_agg(c.id) into v_closed from closed c;
  if v_closed is null or p_by <> 'sync' then
    return;
  end if;
  insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, params, created_at)
  select a.user_id, a.id, a.platform_source, 'recovered', e.id,
    jsonb_build_object('newTransactions', (
      select coalesce(sum(l.new_count), 0)
      from app_public.sync_logs l
      where l.account_id = a.id and l.user_id = a.user_id and l.sync_started_at >= e.detected_at
    )),
    app_private.clock()
  from app_private.auth_episodes e
  join app_public.accounts a on a.id = e.account_id
  cross join lateral app_private.notification_choice(a.user_id) c
  where e.id = any (v_closed) and e.told_at is not null and c.tell_recovery
  on conflict (episode_id, kind) where episode_id is not null do nothing;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.complete_erasures()
 RETURNS SETOF uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_erasure app_private.erasures;
  v_accounts uuid[];
  v_external_ids text[];
  v_references uuid[];
  v_names text[];
  v_report jsonb;
  v_erased bigint;
  v_left bigint;
  v_in_all bigint;
  t record;
begin
  for v_erasure in
    select * from app_private.erasures e where e.subject is not null order by e.requested_at for update skip locked
  loop
    perform
    from app_private.sync_states s
    where s.account_id in (select a.id from app_public.accounts a where a.user_id = v_erasure.subject)
    order by s.account_id
    for update;
    v_accounts := array(select a.id from app_public.accounts a where a.user_id = v_erasure.subject);
    v_names := v_accounts::text[] || v_erasure.subject::text;
    continue when exists (
        select from app_public.accounts a where a.id = any (v_accounts) and a.unlinked_at is null
      ) or exists (
        select from app_private.unlinkings u where u.account_id = any (v_accounts) and u.state = 'open'
      ) or exists (
        select
        from graphile_worker._private_jobs j
        where j.locked_at is not null and exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0)
      );
    v_external_ids := array(
      select coalesce(a.mono_account_id, a.mtn_reference_id) from app_public.accounts a where a.id = any (v_accounts)
      union
      select u.external_id from app_private.unlinkings u where u.account_id = any (v_accounts)
    );
    v_references := array(select r.reference_id from app_private.tracked_references r where r.account_id = any (v_accounts));

    v_report := '{}';
    v_in_all := 0;
    for t in select * from app_private.personal_tables() loop
      execute format('delete from %s where %s', t.name, t.predicate)
      using v_erasure.subject, v_accounts, v_external_ids, v_references;
      get diagnostics v_erased = row_count;
      v_report := v_report || jsonb_build_object(t.name, jsonb_build_object('erased', v_erased));
    end loop;
    for t in
      select a.attrelid::regclass::text as name, quote_ident(a.attname) as column_name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('app_public', 'app_private', 'app_admin')
        and a.atttypid = 'uuid[]'::regtype and not a.attisdropped
    loop
      execute format(
        'update %1$s set %2$s = array(select n from unnest(%2$s) as n where n <> all ($1)) where %2$s && $1', t.name, t.column_name
      ) using v_accounts || v_erasure.subject;
      get diagnostics v_erased = row_count;
      execute format('select count(*) from %s where %s && $1', t.name, t.column_name)
      into v_left using v_accounts || v_erasure.subject;
      v_in_all := v_in_all + v_left;
      v_report := v_report || jsonb_build_object(
        t.name || '.' || t.column_name, jsonb_build_object('erased', v_erased, 'left', v_left)
      );
    end loop;
    delete from graphile_worker._private_jobs j
    where exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0);
    get diagnostics v_erased = row_count;
    select count(*) into v_left
    from graphile_worker._private_jobs j
    where exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0);
    v_in_all := v_in_all + v_left;
    v_report := v_report || jsonb_build_object('jobs', jsonb_build_object('erased', v_erased, 'left', v_left));

    -- Counted when all is done: deleting from one table may have written to another.
    for t in select * from app_private.personal_tables() loop
      execute format('select count(*) from %s where %s', t.name, t.predicate)
      into v_left using v_erasure.subject, v_accounts, v_external_ids, v_references;
      v_in_all := v_in_all + v_left;
      v_report := jsonb_set(v_report, array[t.name, 'left'], to_jsonb(v_left));
    end loop;
    if v_in_all > 0 then
      raise exception 'An erasure left % rows behind.', v_in_all;
    end if;

    update app_private.erasures e
    set subject = null, completed_at = app_private.clock(), report = v_report
    where e.id = v_erasure.id;
    return next v_erasure.id;
  end loop;
end
$function$;
grant execute on function app_private.complete_erasures() to app_worker;

CREATE OR REPLACE FUNCTION app_private.confirm_unlinkings(p_confirmed json)
 RETURNS TABLE(id bigint, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_confirmed bigint[];
  v_dropped uuid[];
begin
  perform
  from app_private.sync_states s
  where s.account_id in (
    select u.account_id
    from app_private.unlinkings u
    join json_to_recordset(p_confirmed) as c (id bigint) on c.id = u.id
  )
  order by s.account_id
  for no key update;

  with done as (
    update app_private.unlinkings u
    set state = 'done', confirmed_at = v_now, next_try_at = null, last_failure_kind = null, last_failure = null
    from json_to_recordset(p_confirmed) as c (id bigint, "externalIdHmac" text)
    where u.id = c.id and u.state = 'open'
    returning u.id, u.platform_source, decode(c."externalIdHmac", 'base64') as external_id_hmac
  ),
  buried as (
    insert into app_private.tombstones (platform_source, external_id_hmac, unlinked_at)
    select d.platform_source, d.external_id_hmac, v_now
    from done d
    join app_private.platforms p on p.platform_source = d.platform_source and p.unlinks_for_good
    on conflict do nothing
  )
  select coalesce(array_agg(d.id), '{}') into v_confirmed from done d;

  v_dropped := array(
    select distinct a.id
    from app_private.unlinkings u
    join app_public.accounts a on a.id = u.account_id
    where u.id = any (v_confirmed) and a.unlinked_at is not null
      and not exists (select from app_private.unlinkings o where o.account_id = a.id and o.state = 'open')
  );
  delete from app_private.credentials c where c.account_id = any (v_dropped);
  -- Its key is "platform base-url environment api-user purpose".
  delete from app_private.wallet_tokens t
  using app_public.accounts a
  where a.id = any (v_dropped) and a.mtn_reference_id is not null
    and split_part(t.wallet_key, ' ', 1) = a.platform_source::text and split_part(t.wallet_key, ' ', 4) = a.mtn_reference_id
    and not exists (
      select from app_public.accounts o where o.mtn_reference_id = a.mtn_reference_id and o.unlinked_at is null
    );
  update app_private.sync_states s set provider_state = '{}' where s.account_id = any (v_dropped);
  update app_private.unlinkings u
  set secrets_dropped_at = v_now
  where u.account_id = any (v_dropped) and u.secrets_dropped_at is null;

  return query
    select c.id, case
      when u.id is null or c.id <> all (v_confirmed) then 'stale'
      when u.account_id = any (v_dropped) then 'dropped'
      else 'kept'
    end
    from json_to_recordset(p_confirmed) as c (id bigint)
    left join app_private.unlinkings u on u.id = c.id;
end
$function$;
grant execute on function app_private.confirm_unlinkings(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.consent_was_renewed(p_account_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with told as (
    select coalesce(w.occurred_at, w.received_at) as at, w.job_id, w.sync_status,
      app_private.webhook_meaning(w.event, w.status, w.data_status, w.sync_status, w.job_id, w.has_new_data) as meaning
    from app_private.webhooks w
    join app_private.auth_episodes e on e.account_id = w.account_id and e.recovered_at is null
    where w.account_id = p_account_id and w.received_at >= coalesce(e.reopened_at, e.detected_at)
  )
  select exists (
    select from told r
    where (r.meaning = 'consent_renewed' or r.meaning = 'news' and r.job_id is null and r.sync_status = 'SUCCESSFUL')
      and not exists (select from told e where e.meaning = 'consent_ended' and e.at > r.at)
  );
$function$;

CREATE OR REPLACE FUNCTION app_private.count_accounts()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET work_mem TO '64MB'
 SET enable_sort TO 'off'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_quarter timestamptz := date_bin('15 minutes', v_now, timestamptz '2000-01-01 00:00:00+00');
  v_accounts integer;
  v_is_paused boolean := exists (select from app_private.pauses z where z.until > v_now);
begin
  delete from app_private.account_counts;
  delete from app_private.upcoming_counts;
  with judged as (
    select s.platform_source, coalesce(l.institution_code, '') as institution_code,
      a.paused_at is not null or v_is_paused and exists (
        select from app_private.pauses z
        where z.until > v_now
          and (z.user_id = a.user_id or (z.platform_source = a.platform_source and z.institution_code = l.institution_code))
      ) as paused,
      a.sync_status = 'auth_required' as needs_owner,
      s.failures > 0 as failing,
      s.next_sync_at <= v_now as late,
      s.run_id is not null and s.held_by is null as waiting,
      date_bin('15 minutes', greatest(s.next_sync_at, v_now), timestamptz '2000-01-01 00:00:00+00') as quarter,
      case
        when a.last_synced_at is null then a.linked_at
        when s.last_failure_kind is null then s.next_sync_at
        else a.last_synced_at + (
          select app_private.sync_interval(s.admin_interval, p.admin_interval, (
            select u.sync_interval from app_public.sync_settings u
            where u.user_id = a.user_id and u.platform_source = s.platform_source
          ), s.activity, p.default_interval)
          from app_private.platforms p
          where p.platform_source = s.platform_source
        )
      end + interval '15 minutes' < v_now as stale
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.links l on l.account_id = s.account_id
    where a.unlinked_at is null
  ),
  grouped as materialized (
    select j.platform_source, j.institution_code, j.paused, j.needs_owner, j.failing, j.late, j.stale,
      case when j.quarter <= v_quarter + interval '1 day' then j.quarter end as quarter,
      case when j.waiting then 'waiting' when j.failing then 'retry' else 'scheduled' end as kind,
      count(*)::integer as accounts
    from judged j
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9
  ),
  foreseen as (
    insert into app_private.upcoming_counts (platform_source, starts_at, kind, accounts)
    select g.platform_source, g.quarter, g.kind, sum(g.accounts)
    from grouped g
    where g.quarter is not null and not g.paused
    group by 1, 2, 3
  ),
  counted as (
    insert into app_private.account_counts
      (platform_source, institution_code, counted_at, accounts, paused, needs_owner, failing, late, stale)
    select g.platform_source, g.institution_code, v_now, sum(g.accounts),
      coalesce(sum(g.accounts) filter (where g.paused), 0),
      coalesce(sum(g.accounts) filter (where g.needs_owner), 0),
      coalesce(sum(g.accounts) filter (where g.failing), 0),
      coalesce(sum(g.accounts) filter (where g.late and not g.paused), 0),
      coalesce(sum(g.accounts) filter (where g.stale and not g.paused and not g.needs_owner), 0)
    from grouped g
    group by 1, 2
  )
  select coalesce(sum(g.accounts), 0) into v_accounts from grouped g;
  update app_private.statistics set accounts_counted_at = clock_timestamp();
  return v_accounts;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.dispatch_soon(p_platform app_public.platform_source)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select graphile_worker.add_job(
    'enqueue_due_syncs', json_build_object('platform', p_platform), job_key => 'enqueue_due_syncs:' || p_platform, max_attempts => 3
  );
$function$;

CREATE OR REPLACE FUNCTION app_private.draw_quota(p_platform app_public.platform_source, p_wanted integer, p_first boolean DEFAULT false)
 RETURNS TABLE(granted integer, spend_within_ms double precision, wait_ms double precision)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  q app_private.quotas;
  v_now timestamptz;
  v_limit numeric;
  v_slots integer;
  v_permits integer;
  v_length interval;
  v_slot timestamptz;
  v_left integer;
  v_share numeric;
  v_slot_number numeric;
begin
  select * into q from app_private.quotas where platform_source = p_platform for update;
  -- After the lock: whoever waited for it must not count in a slot that is over.
  v_now := clock_timestamp();
  if q.blocked_until > v_now then
    return query select 0, 0::double precision, 1000 * extract(epoch from q.blocked_until - v_now)::double precision;
    return;
  end if;
  if q.requests is null then
    return query select 1000000, 1000::double precision, 0::double precision;
    return;
  end if;

  v_limit := greatest(3, q.requests * app_private.quota_learned(q));
  select c.slots, c.permits into v_slots, v_permits from app_private.quota_slots(v_limit) c;
  v_length := q.per / v_slots;
  v_slot := date_bin(v_length, v_now, 'epoch');
  if q.slot_started_at is distinct from v_slot then
    -- A slot of another length may still reach into this one: it is waited out.
    if q.slot_started_at > v_now - v_length and q.slot_started_at + v_length > v_slot then
      return query select 0, 0::double precision,
        1000 * extract(epoch from q.slot_started_at + v_length - v_now)::double precision;
      return;
    end if;
    q.slot_spent := 0;
    q.slot_spent_in_background := 0;
  end if;

  v_left := v_permits - q.slot_spent;
  if not p_first then
    -- A share of 1.6 permits is 2, 1, 2, 1, 2 in turn: rounded always one way, it would keep nothing back or far too much.
    v_share := v_permits * (1 - q.reserve);
    v_slot_number := extract(epoch from v_slot) / extract(epoch from v_length);
    v_left := least(v_left,
      (floor((v_slot_number + 1) * v_share) - floor(v_slot_number * v_share))::integer - q.slot_spent_in_background);
  end if;
  granted := least(p_wanted, greatest(v_left, 0));
  if granted > 0 then
    update app_private.quotas
    set slot_started_at = v_slot,
      slot_spent = q.slot_spent + granted,
      slot_spent_in_background = q.slot_spent_in_background + case when p_first then 0 else granted end
    where platform_source = p_platform;
  end if;
  spend_within_ms := 1000 * extract(epoch from v_slot + v_length - v_now);
  wait_ms := case when granted = 0 then spend_within_ms else 0 end;
  return next;
end
$function$;
grant execute on function app_private.draw_quota(app_public.platform_source,integer,boolean) to app_service;
grant execute on function app_private.draw_quota(app_public.platform_source,integer,boolean) to app_worker;

CREATE OR REPLACE FUNCTION app_private.due_windows(p_history_start date, p_settled datemultirange, p_today date, p_window_days integer)
 RETURNS TABLE(from_day date, to_day date)
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
AS $function$
  select piece::date, least((piece + make_interval(days => p_window_days - 1))::date, upper(gap) - 1)
  from unnest(
      datemultirange(daterange(p_history_start, greatest(p_today, p_history_start), '[]')) - p_settled
    ) as gap,
    generate_series(lower(gap)::timestamp, (upper(gap) - 1)::timestamp, make_interval(days => p_window_days)) as piece
  order by 1;
$function$;

CREATE OR REPLACE FUNCTION app_private.duration_bucket(p_duration interval)
 RETURNS smallint
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  -- In doubles: the logarithm of a numeric took most of the time of counting a run. Rounded, so that a bound is in its bucket.
  select least(greatest(ceil(round(
    (4 * ln(greatest(extract(epoch from p_duration)::double precision, 0.001) / 0.01) / ln(2::double precision))::numeric, 6)), 0), 80)::smallint;
$function$;

CREATE OR REPLACE FUNCTION app_private.duration_quantile(p_buckets smallint[], p_runs numeric[], p_share double precision)
 RETURNS interval
 LANGUAGE plpgsql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_wanted double precision := p_share * (select sum(n) from unnest(p_runs) n);
  v_before double precision := 0;
begin
  for i in 1 .. cardinality(p_buckets) loop
    if v_before + p_runs[i] >= v_wanted then
      -- By the logarithm, as the buckets grow.
      return make_interval(secs => 0.01 * 2 ^ ((p_buckets[i] - 1 + (v_wanted - v_before) / p_runs[i]) / 4.0));
    end if;
    v_before := v_before + p_runs[i];
  end loop;
  return null;
end
$function$;
grant execute on function app_private.duration_quantile(smallint[],numeric[],double precision) to app_admin;

CREATE OR REPLACE FUNCTION app_private.end_links(p_account_ids uuid[], p_reason text)
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_ended uuid[];
begin
  -- First the leases, then the accounts: the order in which a closing run locks them.
  perform from app_private.sync_states s where s.account_id = any (p_account_ids) order by s.account_id for no key update;
  v_ended := array(
    select a.id from app_public.accounts a where a.id = any (p_account_ids) and a.unlinked_at is null order by a.id
  );

  -- Both are infinite: whatever brings next_sync_at forward (a choice of settings, a breaker) makes nothing due.
  update app_private.sync_states s
  set run_id = null, held_by = null, epoch = s.epoch + 1, next_sync_at = 'infinity', enqueued_until = 'infinity'
  where s.account_id = any (v_ended);
  update app_public.sync_logs l
  set status = 'failed', failure_kind = 'interrupted', sync_completed_at = v_now,
    error_message = 'The account was unlinked; what was saved stays saved.'
  where l.account_id = any (v_ended) and l.status = 'in_progress';
  update app_public.accounts a set unlinked_at = v_now where a.id = any (v_ended);
  -- Nobody needs to be asked back to a link that is no more.
  perform app_private.close_episodes(v_ended, 'unlinked');

  insert into app_private.unlinkings (account_id, platform_source, external_id, reason, requested_at, next_try_at)
  select a.id, a.platform_source, coalesce(a.mono_account_id, a.mtn_reference_id), p_reason, v_now, v_now
  from app_public.accounts a
  where a.id = any (v_ended)
  -- A wallet that was linked again under the id it had.
  on conflict (external_id, account_id, platform_source) do update
  set reason = excluded.reason, state = 'open', requested_at = v_now, next_try_at = v_now, attempts = 0, last_tried_at = null,
    last_failure_kind = null, last_failure = null, confirmed_at = null, secrets_dropped_at = null;

  perform graphile_worker.remove_job('sync:' || e.id) from unnest(v_ended) as e (id);
  return v_ended;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.enqueue_deliveries(p_ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_specs graphile_worker.job_spec[];
begin
  with claimed as (
    update app_private.deliveries d
    -- Should the job be lost, its delivery is due again then.
    set enqueued_until = clock_timestamp() + interval '5 minutes'
    where d.id = any (p_ids) and d.outcome is null and d.next_attempt_at <= app_private.clock()
    returning d.id, d.channel
  )
  select array_agg((
    'send_' || c.channel, json_build_object('deliveryId', c.id), null, now(), 3, 'delivery:' || c.id, 5, null
  )::graphile_worker.job_spec)
  into v_specs
  from claimed c;
  if v_specs is null then
    return 0;
  end if;
  perform graphile_worker.add_jobs(v_specs);
  return cardinality(v_specs);
end
$function$;

CREATE OR REPLACE FUNCTION app_private.enqueue_due_deliveries(p_limit integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select app_private.enqueue_deliveries(array(
    select d.id
    from app_private.deliveries d
    where d.outcome is null and d.next_attempt_at <= app_private.clock()
      and coalesce(greatest(d.enqueued_until, d.leased_until), '-infinity') <= clock_timestamp()
    order by d.next_attempt_at
    limit p_limit
    for no key update skip locked
  ));
$function$;
comment on function app_private.enqueue_due_deliveries(integer) is 'Adds a job for each delivery that is due, at most p_limit, and answers how many.';
grant execute on function app_private.enqueue_due_deliveries(integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.enqueue_due_syncs(p_platform app_public.platform_source, p_limit integer DEFAULT 1000, p_dispatch_id text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_platform app_private.platforms;
  v_specs graphile_worker.job_spec[];
  v_due integer;
begin
  select * into v_platform from app_private.platforms where platform_source = p_platform;
  -- Whoever gets the row notes the tick; a second dispatcher does not wait for the first to commit.
  update app_private.platforms
  set last_dispatch_at = clock_timestamp()
  where platform_source in (
    select p.platform_source
    from app_private.platforms p
    where p.platform_source = p_platform
    for no key update skip locked
  );
  if v_platform.platform_source is null or v_platform.paused_until > v_now then
    return 0;
  end if;

  with due as (
    select s.account_id, s.run_id
    from app_private.sync_states s
    where s.platform_source = p_platform
      and greatest(s.next_sync_at, s.enqueued_until) <= v_now
    order by greatest(s.next_sync_at, s.enqueued_until)
    limit p_limit
    for update skip locked
  ),
  paused as (
    select z.* from app_private.standing_pauses(array(select d.account_id from due d where d.run_id is null)) z
  ),
  claimed as (
    update app_private.sync_states s
    set enqueued_until = coalesce(z.until, v_now + interval '10 minutes')
    from due
    left join paused z on z.account_id = due.account_id
    where s.account_id = due.account_id
    returning s.account_id, s.next_sync_at, s.run_id, z.until as paused_until
  )
  select array_agg((
    v_platform.task_identifier,
    json_strip_nulls(json_build_object('accountId', c.account_id, 'dueAt', c.next_sync_at, 'runId', c.run_id::text,
      'dispatchId', p_dispatch_id)),
    null,
    now(),
    3,
    'sync:' || c.account_id,
    0,
    null
  )::graphile_worker.job_spec) filter (where c.paused_until is null), count(*)
  into v_specs, v_due
  from claimed c;

  if v_specs is not null then
    perform graphile_worker.add_jobs(v_specs);
  end if;
  return v_due;
end
$function$;
comment on function app_private.enqueue_due_syncs(app_public.platform_source,integer,text) is 'Adds a job for each account of the platform that is due, at most p_limit, and answers how many were due. The jobs carry p_dispatch_id, for the log.';
grant execute on function app_private.enqueue_due_syncs(app_public.platform_source,integer,text) to app_worker;

CREATE OR REPLACE FUNCTION app_private.enqueue_due_tag_mirrors(p_limit integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_specs graphile_worker.job_spec[];
begin
  with due as (
    select m.user_id
    from app_private.tag_mirrors m
    where m.next_attempt_at <= app_private.clock() and coalesce(m.enqueued_until, '-infinity') <= clock_timestamp()
    order by m.next_attempt_at
    limit p_limit
    for no key update skip locked
  ),
  claimed as (
    update app_private.tag_mirrors m
    set enqueued_until = clock_timestamp() + interval '5 minutes'
    from due
    where m.user_id = due.user_id
    returning m.user_id
  )
  select array_agg((
    'mirror_tags', json_build_object('userId', c.user_id), null, now(), 3, 'tags:' || c.user_id, 10, null
  )::graphile_worker.job_spec)
  into v_specs
  from claimed c;
  if v_specs is null then
    return 0;
  end if;
  perform graphile_worker.add_jobs(v_specs);
  return cardinality(v_specs);
end
$function$;
comment on function app_private.enqueue_due_tag_mirrors(integer) is 'Adds a job for each user of whom OneSignal does not know the latest, at most p_limit, and answers how many.';
grant execute on function app_private.enqueue_due_tag_mirrors(integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.ensure_job(p_task text, p_payload json, p_key text, p_priority integer DEFAULT 0, p_max_attempts integer DEFAULT 3, p_run_at timestamp with time zone DEFAULT NULL::timestamp with time zone)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  while (
    graphile_worker.add_job(
      p_task, p_payload, run_at => p_run_at, job_key => p_key, priority => p_priority, max_attempts => p_max_attempts
    )
  ).id is null loop
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.erase_user(p_user_id uuid)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_id uuid;
begin
  -- Whoever links an account for this person at this moment waits, and is refused.
  perform pg_advisory_xact_lock(hashtextextended('link ' || p_user_id, 0));
  insert into app_private.erasures (subject, requested_at)
  values (p_user_id, app_private.clock())
  on conflict on constraint erasures_subject_key do nothing;
  select e.id into strict v_id from app_private.erasures e where e.subject = p_user_id;
  perform app_private.end_links(
    array(select a.id from app_public.accounts a where a.user_id = p_user_id and a.unlinked_at is null), 'erasure'
  );
  -- No job of an account: a job that names one could not erase it while it runs.
  perform app_private.ensure_job('unlink_account', '{}', 'unlink_due_accounts');
  return v_id;
end
$function$;
grant execute on function app_private.erase_user(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.erasure_report(p_erasure_id uuid)
 RETURNS TABLE(requested_at timestamp with time zone, completed_at timestamp with time zone, report jsonb)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
begin
  return query select e.requested_at, e.completed_at, e.report from app_private.erasures e where e.id = p_erasure_id;
  if not found then
    raise exception 'There is no such erasure.' using errcode = 'NTFND';
  end if;
end
$function$;
grant execute on function app_private.erasure_report(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.export_user(p_user_id uuid)
 RETURNS json
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET "TimeZone" TO 'UTC'
AS $function$
declare
  v_names text[] := array['exported_at', 'user_id'];
  v_parts json[] := array[to_json(app_private.clock()), to_json(p_user_id)];
  v_rows json;
  t record;
begin
  for t in
    select c.oid::regclass::text as name, c.relname,
      string_agg(
        case when a.atttypid = 'numeric'::regtype then format('%1$I::text as %1$I', a.attname) else quote_ident(a.attname) end,
        ', ' order by a.attnum
      ) as columns,
      (select string_agg(quote_ident(k.attname), ', ' order by array_position(i.indkey::smallint[], k.attnum))
       from pg_index i
       join pg_attribute k on k.attrelid = c.oid and k.attnum = any (i.indkey)
       where i.indrelid = c.oid and i.indisprimary) as key
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind in ('r', 'p') and c.relnamespace = 'app_public'::regnamespace
      and exists (select from pg_attribute u where u.attrelid = c.oid and u.attname = 'user_id' and not u.attisdropped)
      and has_column_privilege('app_visitor', c.oid, a.attnum, 'select')
      and a.attname not in ('run_id', 'replaced_by_run')
    group by c.oid, c.relname
    order by c.relname
  loop
    execute format(
      'select coalesce(json_agg(r order by %1$s), ''[]'') from (select %2$s from %3$s where user_id = $1) r',
      t.key, t.columns, t.name
    ) into v_rows using p_user_id;
    v_names := v_names || t.relname::text;
    v_parts := v_parts || v_rows;
  end loop;
  return (select json_object_agg(p.name, p.part) from unnest(v_names, v_parts) as p (name, part));
end
$function$;
grant execute on function app_private.export_user(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.failure_policy(p_kind app_public.failure_kind)
 RETURNS TABLE(log_status app_public.sync_log_status, counts boolean, sync_status app_public.sync_status, retry text, tells text)
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select v.log_status::app_public.sync_log_status, v.counts, v.sync_status::app_public.sync_status, v.retry, v.tells
  from (values
    ('transient',        'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('rate_limited',     'failed',     false, null,            'backoff',  'nobody'),
    ('auth_required',    'auth_error', true,  'auth_required', 'interval', 'owner'),
    ('account_gone',     'failed',     true,  'error',         'interval', 'owner_in_time'),
    ('provider_down',    'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('invalid_response', 'failed',     true,  null,            'backoff',  'owner_in_time'),
    ('configuration',    'failed',     false, null,            'at_once',  'operator'),
    ('interrupted',      'failed',     false, null,            'at_once',  'nobody')
  ) as v (kind, log_status, counts, sync_status, retry, tells)
  where v.kind = p_kind::text;
$function$;

CREATE OR REPLACE FUNCTION app_private.find_coverage_gaps()
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_found integer;
begin
  with candidates as (
    select c.account_id, c.source, c.settled, c.history_start, so.overlap_days
    from app_private.coverage c
    join app_private.sources so on so.source = c.source and so.has_windows
    -- Two days more than the overlap: the commonest interval, and what is under way.
    where not c.settled @> daterange(c.history_start, greatest((v_now at time zone 'utc')::date - so.overlap_days - 2, c.history_start))
  ),
  expected as (
    select c.account_id, c.source,
      datemultirange(daterange(c.history_start, greatest(c.history_start, (v_now at time zone l.time_zone)::date - c.overlap_days - 1
        - ceil(extract(epoch from app_private.sync_interval(
            s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)) / 86400)::integer
      ))) - c.settled as missing
    from candidates c
    join app_public.accounts a on a.id = c.account_id
    join app_private.links l on l.account_id = c.account_id
    join app_private.sync_states s on s.account_id = c.account_id
    join app_private.platforms p on p.platform_source = a.platform_source
    left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = a.platform_source
    where a.unlinked_at is null and a.linked_at < v_now - interval '1 day'
  ),
  found as (
    select e.account_id, e.source, lower(e.missing) as from_day, upper(e.missing) - 1 as to_day, (
        select sum(upper(r) - lower(r))::integer from unnest(e.missing) r
      ) as missing_days
    from expected e
    where not isempty(e.missing)
    limit 1000
  ),
  closed as (
    delete from app_private.coverage_gaps g
    where not exists (select from found f where f.account_id = g.account_id and f.source = g.source)
  ),
  kept as (
    insert into app_private.coverage_gaps as g (account_id, source, from_day, to_day, missing_days)
    select f.account_id, f.source, f.from_day, f.to_day, f.missing_days from found f
    on conflict (account_id, source) do update
    set from_day = excluded.from_day, to_day = excluded.to_day, missing_days = excluded.missing_days
    where (g.from_day, g.to_day, g.missing_days) is distinct from (excluded.from_day, excluded.to_day, excluded.missing_days)
  )
  select count(*) into v_found from found;
  update app_private.statistics set gaps_found_at = clock_timestamp();
  return v_found;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.finish_syncs(p_runs json)
 RETURNS TABLE(account_id uuid, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_held uuid[] := app_private.lock_runs(p_runs);
  v_waiting uuid[] := app_private.still_need_owner(p_runs);
begin
  with runs as (
    select r.*
    from json_to_recordset(p_runs) as r (
      "accountId" uuid, "runId" bigint, state jsonb, "dataAsOf" timestamptz, balance numeric, "balanceAsOf" timestamptz, log json
    )
    where r."accountId" = any (v_held)
  ),
  active as (
    select r."accountId" as account_id, r.state, (
      select count(*)::smallint
      from (
        select from app_public.transactions t
        where t.account_id = r."accountId" and t.user_id = a.user_id and t.status <> 'removed'
          and t.occurred_on > (v_now at time zone 'utc')::date - 28
        limit 12
      ) recent
    ) as activity
    from runs r
    join app_public.accounts a on a.id = r."accountId"
  ),
  scheduled as (
    update app_private.sync_states s
    set run_id = null,
      held_by = null,
      enqueued_until = null,
      provider_state = coalesce(n.state, s.provider_state),
      failures = 0,
      last_failure_kind = case when s.account_id = any (v_waiting) then s.last_failure_kind end,
      failing_since = null,
      failing_told_at = null,
      activity = n.activity,
      next_sync_at = least(
        app_private.schedule(s.account_id, v_now, n.activity),
        (select min(t.next_poll_at) from app_private.tracked_references t where t.account_id = s.account_id),
        case when s.account_id = any (v_waiting) then v_now + interval '10 minutes' end
      )
    from active n
    where s.account_id = n.account_id
    returning s.account_id, s.next_sync_at
  ),
  logged as (
    update app_public.sync_logs l
    set status = 'success',
      sync_completed_at = v_now,
      pages = (r.log ->> 'pages')::integer,
      seen_count = (r.log ->> 'seen')::integer,
      unchanged_count = (r.log ->> 'unchanged')::integer,
      refused_count = coalesce((select sum(n.value::integer) from json_each_text(r.log -> 'refusals') n), 0),
      refusals = nullif((r.log -> 'refusals')::jsonb, '{}'),
      windows = nullif((r.log -> 'windows')::jsonb, '[]'),
      requests = (r.log ->> 'requests')::integer,
      next_sync_at = s.next_sync_at
    from runs r
    join scheduled s on s.account_id = r."accountId"
    where l.id = r."runId"
    returning l.account_id, l.sync_started_at
  )
  update app_public.accounts a
  set last_synced_at = v_now,
    last_sync_attempt = l.sync_started_at,
    sync_status = case when a.id = any (v_waiting) then a.sync_status else 'active' end,
    data_as_of = coalesce(r."dataAsOf", a.data_as_of),
    balance = coalesce(r.balance, a.balance),
    balance_as_of = case when r.balance is null then a.balance_as_of else r."balanceAsOf" end,
    coverage_through = (
      select min(coalesce((
        select upper(range) - 1 from unnest(c.settled) range where range @> c.history_start
      ), c.history_start - 1))
      from app_private.coverage c
      join app_private.sources so on so.source = c.source and so.has_windows
      where c.account_id = a.id
    )
  from runs r
  join logged l on l.account_id = r."accountId"
  where a.id = r."accountId";

  perform app_private.close_episodes(array(select unnest(v_held) except select unnest(v_waiting)), 'sync');
  perform app_private.reset_breakers(v_held);

  return query
    select r."accountId", case when r."accountId" = any (v_held) then 'ok' else 'lost' end
    from json_to_recordset(p_runs) as r ("accountId" uuid);
end
$function$;
grant execute on function app_private.finish_syncs(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.fold_runs(p_limit integer DEFAULT 10000)
 RETURNS TABLE(folded integer, more boolean)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_through bigint;
begin
  select s.runs_through into v_through from app_private.statistics s for no key update skip locked;
  if not found then
    return query select 0, false;
    return;
  end if;

  return query
  with next as (
    select l.id from app_public.sync_logs l where l.id > v_through order by l.id limit p_limit
  ),
  mark as (
    select coalesce(max(n.id), v_through) as id, count(*) = p_limit as more from next n
  ),
  closed as (
    select l.id, l.account_id, l.platform_source, l.sync_completed_at, l.failure_kind, l.transactions_synced, l.requests,
      app_private.duration_bucket(l.sync_completed_at - l.sync_started_at) as duration_bucket
    from app_public.sync_logs l
    where l.id in (select n.id from next n union all select u.run_id from app_private.unfolded_runs u)
      and l.status <> 'in_progress'
  ),
  remembered as (
    insert into app_private.unfolded_runs (run_id)
    select w.id
    from (
      select n.id from next n
      union
      select generate_series(greatest(v_through + 1, m.id - 2 * p_limit), m.id) from mark m where m.id > v_through
    ) w
    where not exists (select from closed c where c.id = w.id)
  ),
  forgotten as (
    delete from app_private.unfolded_runs u
    where exists (select from closed c where c.id = u.run_id)
      or (u.since < clock_timestamp() - interval '10 minutes'
        and not exists (select from app_public.sync_logs l where l.id = u.run_id))
  ),
  counted as (
    insert into app_private.run_rollups as r
      (grain, starts_at, platform_source, institution_code, outcome, runs, transactions, requests)
    select g.grain, date_bin(g.grain, c.sync_completed_at, timestamptz '2000-01-01 00:00:00+00'), c.platform_source,
      coalesce(k.institution_code, ''), coalesce(c.failure_kind::text, 'success'),
      count(*), sum(c.transactions_synced), sum(c.requests)
    from closed c
    join app_private.links k on k.account_id = c.account_id
    cross join unnest(array[interval '5 minutes', '1 hour', '1 day']) as g (grain)
    group by 1, 2, 3, 4, 5
    on conflict (grain, starts_at, platform_source, institution_code, outcome) do update
    set runs = r.runs + excluded.runs, transactions = r.transactions + excluded.transactions,
      requests = r.requests + excluded.requests
  ),
  measured as (
    insert into app_private.run_durations as r (grain, starts_at, platform_source, duration_bucket, runs)
    select g.grain, date_bin(g.grain, c.sync_completed_at, timestamptz '2000-01-01 00:00:00+00'), c.platform_source,
      c.duration_bucket, count(*)
    from closed c
    cross join unnest(array[interval '5 minutes', '1 hour', '1 day']) as g (grain)
    where c.failure_kind is distinct from 'interrupted'
    group by 1, 2, 3, 4
    on conflict (grain, starts_at, platform_source, duration_bucket) do update set runs = r.runs + excluded.runs
  ),
  moved as (
    update app_private.statistics s
    set runs_through = m.id, runs_folded_at = clock_timestamp()
    from mark m
  )
  select (select count(*)::integer from closed), m.more from mark m;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.forget_wallet_token(p_wallet_key text, p_sealed bytea)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  delete from app_private.wallet_tokens t where t.wallet_key = p_wallet_key and t.sealed = p_sealed;
$function$;
grant execute on function app_private.forget_wallet_token(text,bytea) to app_worker;

CREATE OR REPLACE FUNCTION app_private.free_deliveries(p_workers text[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_freed uuid[];
begin
  with freed as (
    update app_private.deliveries d
    set enqueued_until = null, leased_until = null, held_by = null
    where d.held_by = any (p_workers)
    returning d.id
  )
  select coalesce(array_agg(f.id), '{}') into v_freed from freed f;
  perform app_private.enqueue_deliveries(v_freed);
  return cardinality(v_freed);
end
$function$;

CREATE OR REPLACE FUNCTION app_private.identity_key()
 RETURNS TABLE(key_id text, sealed bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select k.key_id, k.sealed from app_private.identity_keys k;
$function$;
grant execute on function app_private.identity_key() to app_service;
grant execute on function app_private.identity_key() to app_worker;

CREATE OR REPLACE FUNCTION app_private.is_down(p_account_id uuid)
 RETURNS boolean
 LANGUAGE sql
 STABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select exists (
    select
    from app_private.links l
    join app_private.sync_states s on s.account_id = l.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where l.account_id = p_account_id
  );
$function$;

CREATE OR REPLACE FUNCTION app_private.is_quiet(p_time time without time zone, p_from time without time zone, p_to time without time zone)
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case when p_from < p_to then p_time >= p_from and p_time < p_to else p_time >= p_from or p_time < p_to end;
$function$;

CREATE OR REPLACE FUNCTION app_private.judge_pages(p_pages json, p_rows app_private.incoming_transaction[])
 RETURNS SETOF app_private.judged_page
 LANGUAGE sql
 STABLE ROWS 10
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with pages as materialized (
    select r.nth, r."accountId" as account_id, r."runId" as run_id, r.epoch, r.source, r.page, r."from" as from_day, r."to" as to_day,
      r.rows as json_rows, r."rowsFrom" as rows_from, r."rowsTo" as rows_to, r.complete, r.polled, coalesce(json_typeof(r.complete) = 'object', false) as is_complete, held.*
    from rows from (json_to_recordset(p_pages) as (
      "accountId" uuid, "runId" bigint, epoch integer, source app_public.transaction_source, page integer, "from" date,
      "to" date, rows json, "rowsFrom" integer, "rowsTo" integer, complete json, polled json
    )) with ordinality as r ("accountId", "runId", epoch, source, page, "from", "to", rows, "rowsFrom", "rowsTo", complete, polled, nth)
    -- `offset 0`, here and below: always through the index. From the sizes that Postgres guesses for JSON it reads whole tables.
    left join lateral (
      select true as is_held, a.user_id, l.time_zone, so.overlap_days, so.has_windows, p.transactions_task
      from app_private.sync_states s
      join app_public.accounts a on a.id = s.account_id
      join app_private.links l on l.account_id = s.account_id
      join app_private.platforms p on p.platform_source = s.platform_source
      join app_private.sources so on so.source = r.source and so.platform_source = s.platform_source
      where s.account_id = r."accountId" and s.run_id = r."runId" and s.epoch = r.epoch and s.held_by is not null
      offset 0
    ) held on true
  ),
  -- An id that comes twice is one row, and the later one wins.
  incoming as (
    select distinct on (p.nth, i.id collate "C") p.nth, p.account_id, i.*
    from pages p
    cross join lateral (
      select i.* from unnest(p_rows[p.rows_from:p.rows_to]) with ordinality as i (
        id, status, direction, amount, currency, "occurredAt", "occurredOn", narration, category, "balanceAfter", counterparty,
        position
      )
      union all
      select i.* from rows from (json_populate_recordset(null::app_private.incoming_transaction, p.json_rows)) with ordinality as i
    ) i
    where p.is_held
    order by p.nth, i.id collate "C", i.position desc
  ),
  compared as (
    select i.nth,
      count(*)::integer as seen,
      array_agg(whole.incoming) filter (where t.is_changed is null) as new_rows,
      array_agg(whole.incoming) filter (where t.is_changed) as changed_rows,
      array_agg(i.id) filter (where t.is_changed is not null) as known_ids
    from incoming i
    left join lateral (
      select (
          t.status, t.direction, t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after,
          t.counterparty
        ) is distinct from (
          i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter",
          i.counterparty
        ) as is_changed
      from app_public.transactions t
      where t.account_id = i.account_id and t.provider_transaction_id = i.id
      offset 0
    ) t on true
    cross join lateral (
      select row (
        i.id, i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter",
        i.counterparty
      )::app_private.incoming_transaction as incoming
    ) whole
    group by i.nth
  ),
  judged as (
    select p.*, c.new_rows, c.changed_rows, c.known_ids, coalesce(c.seen, 0) as seen,
      coalesce(p.is_complete and p.has_windows and (p.complete ->> 'settles')::boolean, false) as settles,
      case when p.is_complete then array(select json_array_elements_text(p.complete -> 'ids')) end as ids
    from pages p
    left join compared c on c.nth = p.nth
  )
  select j.nth,
    case
      when j.is_held is null then 'lost'
      when j.new_rows is not null or j.changed_rows is not null or m.missing > 0 or j.polled is not null then 'news'
      else 'quiet'
    end,
    j.account_id, j.run_id, j.epoch, j.user_id, j.source, j.page, j.from_day, j.to_day, j.new_rows, j.ids, j.has_windows,
    j.settles, d.days, j.polled, j.transactions_task, j.seen, m.missing, j.changed_rows, j.known_ids
  from judged j
  cross join lateral (
    select case when j.settles then daterange(j.from_day, greatest(j.from_day, least(
      j.to_day + 1, ((j.complete ->> 'asOf')::timestamptz at time zone j.time_zone)::date - j.overlap_days + 1
    ))) end as days
  ) claimed
  cross join lateral (
    select case when not exists (
      select from app_private.coverage c
      where c.account_id = j.account_id and c.source = j.source and c.settled @> claimed.days
    ) then claimed.days end as days
  ) d
  cross join lateral (
    select case when j.settles then (
      select count(*)::integer
      from app_public.transactions t
      where t.account_id = j.account_id and t.user_id = j.user_id and t.source = j.source
        and t.occurred_on between j.from_day and j.to_day and t.status <> 'removed'
        and not exists (select from unnest(j.ids) as known (id) where known.id = t.provider_transaction_id)
    ) else 0 end as missing
  ) m
  order by j.nth;
$function$;

CREATE OR REPLACE FUNCTION app_private.judge_webhook(p_id bigint)
 RETURNS text
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_meaning text;
  v_is_own_job boolean;
  v_at_once boolean := false;
  v_is_renewed boolean;
  v_is_fresh boolean;
  v_answer app_public.sync_request;
  w app_private.webhooks;
  a app_public.accounts;
  s app_private.sync_states;
begin
  select * into w from app_private.webhooks where id = p_id;
  v_meaning := app_private.webhook_meaning(w.event, w.status, w.data_status, w.sync_status, w.job_id, w.has_new_data);
  if v_meaning = 'unknown' then
    return 'ignored';
  elsif v_meaning = 'nothing' then
    return 'nothing';
  elsif w.account_id is null then
    return 'unknown_account';
  end if;
  select * into a from app_public.accounts where id = w.account_id;
  if a.unlinked_at is not null then
    return 'unlinked';
  end if;
  select * into s from app_private.sync_states where account_id = w.account_id;
  -- The refresh that the account's last run asked for, as Mono's part of the worker remembers it.
  v_is_own_job := coalesce(w.job_id = s.provider_state ->> 'jobId', false);

  if v_meaning = 'payment' then
    update app_private.tracked_references
    set next_poll_at = least(next_poll_at, v_now)
    where reference_id = w.reference_id and outcome = 'open';
    if not found then
      return 'nothing';
    end if;
    -- A run that is open, a pause or an outage: the reference is asked for as soon as that is over.
    update app_private.sync_states set next_sync_at = least(next_sync_at, v_now) where account_id = a.id;
    v_at_once := true;
  end if;

  -- Late news of an end that a sync, or a new link, has already disproved: worth a look, not an alarm.
  if v_meaning = 'consent_ended'
    and coalesce(w.occurred_at, w.received_at) > greatest(a.last_synced_at, a.linked_at)
  then
    perform app_private.require_owner(a.id);
    if s.run_id is not null and s.held_by is null then
      perform app_private.resume_run(a.id);
    end if;
    return 'needs_you';
  end if;

  -- The page that was minted for this has done its work, and leads nobody anywhere any more.
  if v_meaning = 'consent_renewed' then
    delete from app_private.reauth_links where account_id = a.id;
  end if;

  if s.run_id is not null and v_meaning <> 'payment' then
    if s.held_by is not null then
      return 'run_held';
    elsif w.job_id is null or v_is_own_job or s.provider_state ->> 'jobId' is null then
      perform app_private.resume_run(a.id);
      return 'resumed';
    end if;
    return 'running';
  end if;

  if v_meaning = 'refresh_failed'
    -- Its data was read by the run that asked for it, or that run gave up waiting and the next event tells of news.
    or v_meaning = 'refresh_over' and (v_is_own_job or w.status is distinct from 'finished')
    or v_meaning = 'news' and v_is_own_job and s.provider_state ->> 'dataAsOf' = s.provider_state ->> 'jobStartedAt'
  then
    return 'nothing';
  end if;

  -- The owner came back, and Mono has fetched the account anew: two events, in either order, or one that says SUCCESSFUL.
  -- No cooldown stands between, because the sync needs no refresh. A word of the renewal alone is not enough for that: within
  -- five minutes of a refresh that failed Mono would answer with that very failure (Mono docs, one session in 5 minutes).
  v_is_fresh := v_meaning = 'news';
  if a.sync_status = 'auth_required' and v_meaning in ('news', 'consent_renewed') then
    v_is_renewed := app_private.consent_was_renewed(a.id);
    select coalesce(bool_or(r.job_id is null and app_private.webhook_meaning(
      r.event, r.status, r.data_status, r.sync_status, r.job_id, r.has_new_data) = 'news'), false)
    into v_is_fresh
    from app_private.webhooks r
    join app_private.auth_episodes e on e.account_id = r.account_id and e.recovered_at is null
    where r.account_id = a.id and r.received_at >= e.detected_at;
    v_is_fresh := v_is_fresh and v_is_renewed;
    v_at_once := v_is_fresh;
  end if;
  if v_is_fresh then
    update app_private.sync_states
    set provider_state = provider_state || jsonb_build_object(
      'refreshedAt', to_char(v_now at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))
    where account_id = a.id;
  end if;

  v_answer := app_private.queue_sync(a.id, 'webhook', v_at_once);
  if v_answer.outcome in ('cooling_down', 'needs_you', 'paused') and v_answer.until is not null then
    update app_private.sync_states
    set next_sync_at = least(next_sync_at, v_answer.until)
    where account_id = a.id;
  end if;
  return case v_answer.outcome
    when 'already_running' then 'running'
    when 'cooling_down' then 'deferred'
    when 'needs_you' then 'deferred'
    else v_answer.outcome::text
  end;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.keep_reauth_link(p_account_id uuid, p_key_id text, p_sealed bytea)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app_private.reauth_links as l (account_id, key_id, sealed, minted_at)
  values (p_account_id, p_key_id, p_sealed, app_private.clock())
  on conflict (account_id) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, minted_at = excluded.minted_at;
$function$;
grant execute on function app_private.keep_reauth_link(uuid,text,bytea) to app_service;

CREATE OR REPLACE FUNCTION app_private.lease_details(p_account_ids uuid[], p_first uuid[], p_may_refresh uuid[])
 RETURNS TABLE(account_id uuid, details json)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.id, json_build_object(
    'accountId', a.id,
    'runId', s.run_id::text,
    'epoch', s.epoch,
    'platform', a.platform_source,
    'externalId', coalesce(a.mono_account_id, a.mtn_reference_id),
    'currency', a.currency,
    'baseUrl', l.base_url,
    'targetEnvironment', l.target_environment,
    'state', s.provider_state,
    'now', app_private.clock(),
    'first', a.id = any (p_first),
    'mayRefresh', a.id = any (p_may_refresh),
    'windows', coalesce((
      select json_agg(json_build_object('source', c.source, 'from', w.from_day, 'to', w.to_day) order by w.from_day)
      from app_private.coverage c
      join app_private.sources so on so.source = c.source and so.has_windows
      cross join lateral app_private.due_windows(
        c.history_start, c.settled, (app_private.clock() at time zone l.time_zone)::date, so.window_days
      ) w
      where c.account_id = a.id
    ), '[]'),
    'openReferences', coalesce((
      select json_agg(json_build_object(
        'referenceId', r.reference_id, 'operation', r.operation, 'baseUrl', r.base_url,
        'targetEnvironment', r.target_environment, 'requestedAt', r.requested_at
      ) order by r.requested_at)
      from app_private.tracked_references r
      where r.account_id = a.id and r.next_poll_at <= app_private.clock()
    ), '[]'),
    'credentials', coalesce((
      select json_agg(json_build_object('kind', k.kind, 'keyId', k.key_id, 'sealed', encode(k.sealed, 'base64')))
      from app_private.credentials k
      where k.account_id = a.id
    ), '[]')
  )
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  join app_private.links l on l.account_id = a.id
  where a.id = any (p_account_ids);
$function$;

CREATE OR REPLACE FUNCTION app_private.link_account(p_link json)
 RETURNS text
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_id uuid := p_link ->> 'accountId';
  v_platform app_private.platforms;
  v_external_id text := p_link ->> 'externalId';
  v_old_external_id text;
  v_time_zone text;
  v_outcome text := 'linked';
begin
  select * into v_platform
  from app_private.platforms
  where platform_source::text = p_link ->> 'platform';
  if not found or v_id is null or p_link ->> 'userId' is null or coalesce(v_external_id, '') = '' then
    raise exception 'A link needs a known platform, an account id, a user and the provider''s id.' using errcode = 'LNKNV';
  end if;
  if coalesce(p_link ->> 'currency', '') !~ '^[A-Z]{3}$' or length(coalesce(p_link ->> 'accountName', '')) not between 1 and 120 then
    raise exception 'A link needs a name of 1 to 120 characters and an ISO 4217 currency.' using errcode = 'LNKNV';
  end if;
  v_time_zone := coalesce(p_link ->> 'timeZone', v_platform.time_zone);
  -- The list of names costs 12 ms: not for the platform's own zone.
  if p_link ->> 'timeZone' is not null and not exists (select from pg_catalog.pg_timezone_names z where z.name = v_time_zone) then
    raise exception 'The time zone of a link must be an IANA name.' using errcode = 'LNKNV';
  end if;

  if coalesce((p_link ->> 'historyDays')::integer, 1) < 1 then
    raise exception 'The history of a link is at least one day.' using errcode = 'LNKNV';
  end if;

  -- One link of a user at a time: two of the same bank account would each find no account to resume.
  perform pg_advisory_xact_lock(hashtextextended('link ' || (p_link ->> 'userId')::uuid, 0));
  if exists (select from app_private.erasures e where e.subject = (p_link ->> 'userId')::uuid) then
    raise exception 'This user''s data is being erased.' using errcode = 'LNKGN';
  end if;
  if v_platform.unlinks_for_good and (
    exists (
      select from app_private.unlinkings u where u.external_id = v_external_id and u.platform_source = v_platform.platform_source
    )
    or exists (
      select from app_private.tombstones t
      where t.platform_source = v_platform.platform_source and t.external_id_hmac = decode(p_link ->> 'externalIdHmac', 'base64')
    )
  ) then
    raise exception 'This link to % was ended for good; it takes a new one.', v_platform.label using errcode = 'LNKGN';
  end if;

  -- First the lease, then the account: the order in which a closing run locks them.
  perform from app_private.sync_states s where s.account_id = v_id for no key update;
  insert into app_public.accounts (
    id, user_id, account_name, account_type, platform_source, currency, mono_account_id, mtn_reference_id, institution, linked_at
  ) values (
    v_id, (p_link ->> 'userId')::uuid, p_link ->> 'accountName', v_platform.account_type, v_platform.platform_source,
    p_link ->> 'currency',
    case when v_platform.platform_source = 'mono' then v_external_id end,
    case when v_platform.platform_source = 'mtn_momo' then v_external_id end,
    p_link ->> 'institution', v_now
  )
  on conflict (id) do nothing;
  if found then
    if app_private.match_link((p_link ->> 'userId')::uuid, v_platform.platform_source, v_external_id, decode(p_link ->> 'identity', 'base64')) <> v_id then
      raise unique_violation;
    end if;
  else
    v_old_external_id := (select coalesce(a.mono_account_id, a.mtn_reference_id) from app_public.accounts a where a.id = v_id);
    update app_public.accounts
    set mono_account_id = case when v_platform.platform_source = 'mono' then v_external_id end,
      mtn_reference_id = case when v_platform.platform_source = 'mtn_momo' then v_external_id end,
      institution = coalesce(p_link ->> 'institution', institution),
      sync_status = 'active', unlinked_at = null, linked_at = v_now
    where id = v_id and user_id = (p_link ->> 'userId')::uuid and platform_source = v_platform.platform_source;
    if not found then
      raise exception 'This account belongs to somebody else.' using errcode = 'LNKDP';
    end if;
    v_outcome := 'resumed';
    if v_platform.unlinks_for_good and v_old_external_id <> v_external_id then
      insert into app_private.unlinkings (account_id, platform_source, external_id, reason, requested_at, next_try_at)
      values (v_id, v_platform.platform_source, v_old_external_id, 'superseded', v_now, v_now)
      on conflict (external_id, account_id, platform_source) do nothing;
    end if;
  end if;

  insert into app_private.links as l (account_id, base_url, target_environment, time_zone, login_key, institution_code, identity_hmac)
  values (
    v_id, p_link ->> 'baseUrl', p_link ->> 'targetEnvironment', v_time_zone,
    coalesce(p_link ->> 'loginKey', v_external_id), p_link ->> 'institutionCode', decode(p_link ->> 'identity', 'base64')
  )
  on conflict (account_id) do update
  set base_url = excluded.base_url, target_environment = excluded.target_environment, time_zone = excluded.time_zone,
    login_key = excluded.login_key, institution_code = coalesce(excluded.institution_code, l.institution_code),
    identity_hmac = coalesce(excluded.identity_hmac, l.identity_hmac),
    key_renewal = null, key_renewal_until = null, key_renewed_at = null;

  insert into app_private.sync_states as s (account_id, platform_source, next_sync_at)
  values (v_id, v_platform.platform_source, v_now)
  on conflict (account_id) do update
  set next_sync_at = v_now, enqueued_until = null, run_id = null, held_by = null, epoch = s.epoch + 1, failures = 0,
    last_failure_kind = null, failing_since = null, failing_told_at = null, provider_state = '{}';
  update app_public.sync_logs
  set status = 'failed', failure_kind = 'interrupted', sync_completed_at = v_now, next_sync_at = v_now,
    error_message = 'The account was linked anew; what was saved stays saved.'
  where account_id = v_id and status = 'in_progress';

  insert into app_private.coverage (account_id, source, history_start)
  select v_id, so.source,
    (v_now at time zone v_time_zone)::date - least(coalesce((p_link ->> 'historyDays')::integer, so.history_days), 3660)
  from app_private.sources so
  where so.platform_source = v_platform.platform_source and so.has_windows
    and (so.source <> 'statement' or coalesce((p_link ->> 'statement')::boolean, false))
  on conflict (account_id, source) do update
  set settled = '{}', history_start = least(app_private.coverage.history_start, excluded.history_start);

  insert into app_private.credentials (account_id, kind, key_id, sealed)
  select v_id, c.kind, c."keyId", decode(c.sealed, 'base64')
  from json_to_recordset(p_link -> 'credentials') as c (kind text, "keyId" text, sealed text)
  on conflict (account_id, kind) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, updated_at = now();

  perform app_private.ensure_job(
    v_platform.task_identifier, json_build_object('accountId', v_id, 'trigger', 'backend'), 'sync:' || v_id
  );
  update app_private.webhooks w
  set outcome = null
  where w.platform_source = v_platform.platform_source and w.provider_account_id = v_external_id and w.outcome = 'unknown_account';
  if found then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return v_outcome;
exception
  when unique_violation then
    raise exception 'This % account is linked already.', v_platform.label using errcode = 'LNKDP';
end
$function$;
grant execute on function app_private.link_account(json) to app_service;
grant execute on function app_private.link_account(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.list_accounts(p_user_id uuid DEFAULT NULL::uuid, p_platform app_public.platform_source DEFAULT NULL::app_public.platform_source, p_after uuid DEFAULT NULL::uuid, p_limit integer DEFAULT 50)
 RETURNS TABLE(id uuid, user_id uuid, account_name text, account_type app_public.account_type, balance numeric, currency text, balance_as_of timestamp with time zone, mono_account_id text, mtn_reference_id text, institution text, last_synced_at timestamp with time zone, sync_status app_public.sync_status, last_sync_attempt timestamp with time zone, platform_source app_public.platform_source, platform_label text, is_syncing boolean, next_sync_at timestamp with time zone, data_as_of timestamp with time zone, coverage_through date, linked_at timestamp with time zone)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_ids uuid[];
begin
  -- Two statements: one plan for both would read everybody's accounts to find one user's.
  if p_user_id is null then
    v_ids := array(
      select a.id
      from app_public.accounts a
      where a.unlinked_at is null and (p_platform is null or a.platform_source = p_platform) and (p_after is null or a.id > p_after)
      order by a.id
      limit p_limit
    );
  else
    v_ids := array(
      select a.id
      from app_public.accounts a
      where a.user_id = p_user_id and a.unlinked_at is null and (p_platform is null or a.platform_source = p_platform)
        and (p_after is null or a.id > p_after)
      order by a.id
      limit p_limit
    );
  end if;
  return query
    select a.id, a.user_id, a.account_name, a.account_type, a.balance, a.currency, a.balance_as_of, a.mono_account_id,
      a.mtn_reference_id, a.institution, a.last_synced_at, a.sync_status, a.last_sync_attempt, a.platform_source, p.label,
      s.run_id is not null, s.next_sync_at, a.data_as_of, a.coverage_through, a.linked_at
    from app_public.accounts a
    join app_private.sync_states s on s.account_id = a.id
    join app_private.platforms p on p.platform_source = a.platform_source
    where a.id = any (v_ids)
    order by a.id;
end
$function$;
grant execute on function app_private.list_accounts(uuid,app_public.platform_source,uuid,integer) to app_service;

CREATE OR REPLACE FUNCTION app_private.list_credentials_to_reseal(p_key_id text, p_limit integer DEFAULT 500)
 RETURNS TABLE(account_id uuid, kind text, key_id text, sealed bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select c.account_id, c.kind, c.key_id, c.sealed
  from app_private.credentials c
  where c.key_id <> p_key_id
  order by c.account_id, c.kind
  limit p_limit;
$function$;
grant execute on function app_private.list_credentials_to_reseal(text,integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.list_key_checks()
 RETURNS TABLE(key_id text, sealed bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select k.key_id, k.sealed from app_private.key_checks k order by k.key_id;
$function$;
grant execute on function app_private.list_key_checks() to app_service;
grant execute on function app_private.list_key_checks() to app_worker;

CREATE OR REPLACE FUNCTION app_private.list_push_services()
 RETURNS TABLE(host text, port integer, name text)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.host, s.port, s.name from app_private.push_services s order by s.host, s.port;
$function$;
grant execute on function app_private.list_push_services() to app_worker;

CREATE OR REPLACE FUNCTION app_private.lock_runs(p_runs json)
 RETURNS uuid[]
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(array_agg(held.account_id), '{}')
  from (
    select s.account_id
    from app_private.sync_states s
    join json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint, epoch integer)
      on r."accountId" = s.account_id and r."runId" = s.run_id and r.epoch = s.epoch
    where s.held_by is not null
    order by s.account_id
    for no key update of s
  ) held;
$function$;

CREATE OR REPLACE FUNCTION app_private.mark_tags_stale(p_user_id uuid)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app_private.tag_mirrors as m (user_id, next_attempt_at)
  values (p_user_id, app_private.clock())
  on conflict (user_id) do update
  set version = m.version + 1, next_attempt_at = app_private.clock(), attempts = 0;
$function$;

CREATE OR REPLACE FUNCTION app_private.match_link(p_user_id uuid, p_platform app_public.platform_source, p_external_id text, p_identity bytea)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(
    (array_agg(a.id) filter (where a.is_same))[1],
    case when count(*) = 1 then (array_agg(a.id))[1] end
  )
  from (
    select a.id, p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id) as is_same
    from app_public.accounts a
    join app_private.links l on l.account_id = a.id
    where a.user_id = p_user_id and a.platform_source = p_platform
      and (p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id) or l.identity_hmac = p_identity)
  ) a;
$function$;
grant execute on function app_private.match_link(uuid,app_public.platform_source,text,bytea) to app_service;
grant execute on function app_private.match_link(uuid,app_public.platform_source,text,bytea) to app_worker;

CREATE OR REPLACE FUNCTION app_private.missing_keys(p_key_ids text[])
 RETURNS TABLE(key_id text, sealed_count integer)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with recursive sealing (key_id) as (
    -- One step along credentials_key_id_idx a key: `distinct` would read the entry of each credential at every start.
    (select c.key_id from app_private.credentials c order by c.key_id limit 1)
    union all
    select (select c.key_id from app_private.credentials c where c.key_id > s.key_id order by c.key_id limit 1)
    from sealing s
    where s.key_id is not null
  ),
  missing as (
    select s.key_id, (select count(*) from app_private.credentials c where c.key_id = s.key_id) as sealed_count
    from sealing s
    where s.key_id is not null and s.key_id <> all (p_key_ids)
    union all
    select k.key_id, 1 from app_private.identity_keys k where k.key_id <> all (p_key_ids)
  )
  select m.key_id, sum(m.sealed_count)::integer from missing m group by m.key_id order by m.key_id;
$function$;
grant execute on function app_private.missing_keys(text[]) to app_service;
grant execute on function app_private.missing_keys(text[]) to app_worker;

CREATE OR REPLACE FUNCTION app_private.next_sync_time(p_after timestamp with time zone, p_interval interval, p_preferred_hour integer, p_time_zone text, p_window interval, p_jitter double precision)
 RETURNS timestamp with time zone
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case
    when p_interval < interval '1 day' then (
      select to_timestamp(
        ceil((extract(epoch from p_after) + step / 4 - p_jitter * step) / step) * step + p_jitter * step
      )
      from (select extract(epoch from p_interval)::double precision) as i (step)
    )
    else (
      select min(slot)
      -- In seconds: a day added to a timestamptz is as long as the session's own zone makes it.
      from (select p_after + make_interval(secs => extract(epoch from p_interval)::double precision - 64800)) as e (earliest),
        -- A jitter of up to a day and a zone of up to 14 hours: the slot we look for lies within two days of earliest.
        generate_series(-2, 2) as days (n),
        lateral (
          select ((earliest at time zone p_time_zone)::date + n + make_interval(hours => p_preferred_hour))
                   at time zone p_time_zone + p_jitter * p_window
        ) as s (slot)
      where slot >= earliest
    )
  end;
$function$;

CREATE OR REPLACE FUNCTION app_private.normal_narration(p_narration text)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select lower(regexp_replace(btrim(coalesce(p_narration, '')), '\s+', ' ', 'g'));
$function$;

CREATE OR REPLACE FUNCTION app_private.note_admin_action(p_action text, p_reason text, p_before jsonb DEFAULT NULL::jsonb, p_after jsonb DEFAULT NULL::jsonb, p_platform app_public.platform_source DEFAULT NULL::app_public.platform_source, p_institution text DEFAULT NULL::text, p_user_id uuid DEFAULT NULL::uuid, p_account_id uuid DEFAULT NULL::uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if length(trim(coalesce(p_reason, ''))) not between 3 and 500 then
    raise exception 'Say why: a reason has 3 to 500 characters. It is kept in app_admin.admin_actions.' using errcode = 'OPSNR';
  end if;
  insert into app_private.admin_actions
    (action, reason, before, after, platform_source, institution_code, user_id, account_id)
  values (p_action, trim(p_reason), p_before, p_after, p_platform, p_institution, p_user_id, p_account_id);
end
$function$;

CREATE OR REPLACE FUNCTION app_private.notification_choice(p_user_id uuid)
 RETURNS TABLE(language app_public.notification_language, time_zone text, quiet_hours boolean, quiet_from time without time zone, quiet_to time without time zone, paused boolean, tell_recovery boolean)
 LANGUAGE sql
 STABLE ROWS 1
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select
    coalesce(c.language, 'en'),
    coalesce(
      c.time_zone,
      (select s.time_zone from app_public.sync_settings s
       where s.user_id = p_user_id and s.time_zone is not null order by s.platform_source limit 1),
      (select l.time_zone from app_public.accounts a join app_private.links l on l.account_id = a.id
       where a.user_id = p_user_id order by a.unlinked_at is not null, a.linked_at, a.id limit 1),
      'UTC'
    ),
    coalesce(c.quiet_hours, true),
    coalesce(c.quiet_from, '22:00'),
    coalesce(c.quiet_to, '07:00'),
    coalesce(c.paused, false),
    coalesce(c.tell_recovery, false)
  from (select) as always
  left join app_public.notification_settings c on c.user_id = p_user_id;
$function$;

CREATE OR REPLACE FUNCTION app_private.open_episodes(p_detected json)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_relapsed bigint[];
  v_revived uuid[];
begin
  with relapsed as (
    update app_private.auth_episodes e
    set recovered_at = null, closed_by = null, reopened_at = v_now, relapses = e.relapses + 1
    from json_to_recordset(p_detected) as d ("accountId" uuid)
    where e.id = (select max(l.id) from app_private.auth_episodes l where l.account_id = d."accountId")
      and e.closed_by = 'sync' and e.recovered_at > v_now - interval '24 hours'
    returning e.id
  )
  select array_agg(r.id) into v_relapsed from relapsed r;

  insert into app_private.auth_episodes (account_id, detected_at, detected_by)
  select d."accountId", v_now, d."runId"
  from json_to_recordset(p_detected) as d ("accountId" uuid, "runId" bigint)
  on conflict (account_id) where recovered_at is null do nothing;

  if v_relapsed is null then
    return;
  end if;
  -- Whoever is calling one off at this moment decides before we look (begin_deliveries).
  perform
  from app_private.deliveries d
  join app_public.notifications n on n.id = d.notification_id
  where n.episode_id = any (v_relapsed)
  order by d.id
  for no key update of d;
  with revived as (
    update app_private.deliveries d
    set outcome = null, finished_at = null, code = null, reason = null, next_attempt_at = v_now,
      expires_at = greatest(d.expires_at, v_now + interval '1 day')
    from app_public.notifications n
    where n.episode_id = any (v_relapsed) and n.kind in ('reauth_required', 'reauth_reminder')
      and d.notification_id = n.id and d.outcome = 'superseded'
    returning d.id
  )
  select array_agg(r.id) into v_revived from revived r;
  perform app_private.enqueue_deliveries(v_revived);
end
$function$;

CREATE OR REPLACE FUNCTION app_private.pass_breakers(p_account_ids uuid[], p_first uuid[])
 RETURNS TABLE(account_id uuid, until timestamp with time zone)
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_probes uuid[];
begin
  if not exists (select from app_private.breakers b where b.opened_at is not null) then
    return;
  end if;

  with facing as (
    select s.account_id, b.platform_source, b.institution_code, b.next_probe_at
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where s.account_id = any (p_account_ids)
  ),
  -- An account that faces two breakers probes both or none.
  candidates as (
    select f.account_id from facing f group by f.account_id having max(f.next_probe_at) <= v_now
  ),
  chosen as (
    select distinct on (f.platform_source, f.institution_code) f.platform_source, f.institution_code, f.account_id
    from facing f
    join candidates c on c.account_id = f.account_id
    order by f.platform_source, f.institution_code, not f.account_id = any (p_first), f.account_id
  ),
  claimed as (
    update app_private.breakers b
    set next_probe_at = v_now + interval '2 minutes'
    from chosen c
    where b.platform_source = c.platform_source and b.institution_code = c.institution_code and b.next_probe_at <= v_now
    returning c.account_id
  )
  select coalesce(array_agg(account_id), '{}') into v_probes from claimed;

  return query
    select s.account_id, max(b.next_probe_at)
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    join app_private.breakers b on b.platform_source = s.platform_source
      and b.institution_code in (l.institution_code, '') and b.opened_at is not null
    where s.account_id = any (p_account_ids) and s.account_id <> all (v_probes)
    group by s.account_id;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.personal_tables()
 RETURNS TABLE(name text, predicate text)
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with recursive ours as (
    select c.oid
    from pg_class c
    where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('app_public', 'app_private', 'app_admin')
  ),
  reached (oid, depth) as (
    select o.oid, 0 from ours o
    union
    select k.conrelid, r.depth + 1
    from reached r
    join pg_constraint k on k.confrelid = r.oid and k.contype = 'f' and k.conrelid <> k.confrelid
    where r.depth < 20
  ),
  named (column_name, parameter) as (
    values ('user_id', '$1'), ('account_id', 'any ($2)'), ('provider_account_id', 'any ($3)'), ('reference_id', 'any ($4)')
  ),
  found as (
    select a.attrelid as oid, a.attname, n.parameter
    from pg_attribute a
    join named n on n.column_name = a.attname
    where a.attnum > 0 and not a.attisdropped
    union
    select k.conrelid, a.attname, 'any ($2)'
    from pg_constraint k
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
    where k.contype = 'f' and k.confrelid = 'app_public.accounts'::regclass
    union
    select 'app_public.accounts'::regclass, 'id', 'any ($2)'
  )
  select o.oid::regclass::text, string_agg(distinct format('%I = %s', f.attname, f.parameter), ' or ')
  from ours o
  join found f on f.oid = o.oid
  group by o.oid
  order by (select max(r.depth) from reached r where r.oid = o.oid) desc, 1;
$function$;

CREATE OR REPLACE FUNCTION app_private.process_webhooks(p_limit integer DEFAULT 500)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_ids bigint[];
  v_id bigint;
begin
  select array_agg(id order by id) into v_ids
  from (
    select w.id
    from app_private.webhooks w
    where w.outcome is null
    order by w.id
    limit p_limit
    for no key update skip locked
  ) waiting;
  if v_ids is null then
    return 0;
  end if;

  update app_private.webhooks w
  set account_id = case w.platform_source
    when 'mono' then (select a.id from app_public.accounts a where a.mono_account_id = w.provider_account_id)
    else (select t.account_id from app_private.tracked_references t where t.reference_id = w.reference_id)
  end
  where w.id = any (v_ids) and w.account_id is null;

  -- All leases at once and in order: one by one, in the order of arrival, could meet a closing run in a circle.
  perform
  from app_private.sync_states s
  where s.account_id in (select w.account_id from app_private.webhooks w where w.id = any (v_ids))
  order by s.account_id
  for no key update;

  -- One after another, since each may change what the next one finds.
  foreach v_id in array v_ids loop
    update app_private.webhooks w
    set outcome = app_private.judge_webhook(v_id),
      processed_at = app_private.clock()
    where w.id = v_id;
  end loop;
  return cardinality(v_ids);
end
$function$;
grant execute on function app_private.process_webhooks(integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.prune(p_limit integer DEFAULT 5000)
 RETURNS TABLE(subject text, pruned integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  r record;
  v_before timestamptz;
  v_pruned integer;
begin
  for r in
    select * from app_private.retention where keep is not null order by subject for no key update skip locked
  loop
    v_before := app_private.clock() - r.keep;
    case r.subject
    when 'sync_logs' then
      with oldest as (
        select l.id, l.sync_started_at, l.status
        from app_public.sync_logs l
        where l.id <= (select s.runs_through from app_private.statistics s)
        order by l.id
        limit p_limit
      )
      delete from app_public.sync_logs l
      using oldest o
      where l.id = o.id and o.sync_started_at < v_before and o.status <> 'in_progress'
        and not exists (select from app_private.unfolded_runs u where u.run_id = l.id);
    when 'webhooks' then
      with oldest as (select w.id, w.received_at from app_private.webhooks w order by w.id limit p_limit)
      delete from app_private.webhooks w using oldest o where w.id = o.id and o.received_at < v_before;
    when 'notifications' then
      with oldest as (select n.id, n.created_at from app_public.notifications n order by n.id limit p_limit)
      delete from app_public.notifications n using oldest o where n.id = o.id and o.created_at < v_before;
    when 'transaction_revisions' then
      delete from app_public.transaction_revisions t
      where t.ctid = any (array(
        select o.ctid from app_public.transaction_revisions o where o.replaced_at < v_before limit p_limit
      ));
    when 'incidents' then
      delete from app_private.incidents i
      where i.id in (select o.id from app_private.incidents o where o.closed_at < v_before order by o.id limit p_limit);
    when 'admin_actions' then
      delete from app_private.admin_actions a
      where a.id in (select o.id from app_private.admin_actions o where o.done_at < clock_timestamp() - r.keep order by o.id limit p_limit);
    else
      delete from app_private.run_durations u
      where u.ctid = any (array(
        select o.ctid
        from app_private.run_durations o
        where o.grain = case r.subject
            when 'run_rollups_5_minutes' then interval '5 minutes' when 'run_rollups_hours' then '1 hour' else '1 day' end
          and o.starts_at < v_before
        limit p_limit
      ));
      delete from app_private.run_rollups u
      where u.ctid = any (array(
        select o.ctid
        from app_private.run_rollups o
        where o.grain = case r.subject
            when 'run_rollups_5_minutes' then interval '5 minutes' when 'run_rollups_hours' then '1 hour' else '1 day' end
          and o.starts_at < v_before
        limit p_limit
      ));
    end case;
    get diagnostics v_pruned = row_count;
    if v_pruned > 0 then
      update app_private.retention t
      set pruned_at = clock_timestamp(), pruned = t.pruned + v_pruned
      where t.subject = r.subject;
    end if;
    return query select r.subject, v_pruned;
  end loop;
end
$function$;
grant execute on function app_private.prune(integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.push_service_of(p_endpoint text)
 RETURNS text
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select s.name
  from regexp_match(
      p_endpoint,
      '^https://([a-z0-9-]+(?:\.[a-z0-9-]+)*)(?::([1-9][0-9]{0,4}))?/[A-Za-z0-9._~!$&''()*+,;=:@%/?-]+$'
    ) as part
  join app_private.push_services s
    on s.port = coalesce(part[2]::integer, 443)
      and (s.host = part[1] or (s.host like '*.%' and part[1] like '%_' || substr(s.host, 2)))
  where length(p_endpoint) <= 2000
  order by s.host
  limit 1;
$function$;

CREATE OR REPLACE FUNCTION app_private.put_identity_key(p_key_id text, p_sealed bytea, p_old_sealed bytea DEFAULT NULL::bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_old_sealed is null then
    insert into app_private.identity_keys (key_id, sealed) values (p_key_id, p_sealed) on conflict do nothing;
  else
    update app_private.identity_keys k set key_id = p_key_id, sealed = p_sealed where k.sealed = p_old_sealed;
  end if;
  return found;
end
$function$;
grant execute on function app_private.put_identity_key(text,bytea,bytea) to app_service;
grant execute on function app_private.put_identity_key(text,bytea,bytea) to app_worker;

CREATE OR REPLACE FUNCTION app_private.put_key_check(p_key_id text, p_sealed bytea)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  insert into app_private.key_checks (key_id, sealed) values (p_key_id, p_sealed) on conflict (key_id) do nothing;
  return found;
end
$function$;
grant execute on function app_private.put_key_check(text,bytea) to app_service;
grant execute on function app_private.put_key_check(text,bytea) to app_worker;

CREATE OR REPLACE FUNCTION app_private.queue_sync(p_account_id uuid, p_trigger app_public.sync_trigger, p_at_once boolean DEFAULT false)
 RETURNS app_public.sync_request
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_outcome app_public.sync_request_outcome;
  v_until timestamptz;
  v record;
begin
  select a.sync_status, a.paused_at, a.last_sync_attempt, p.cooldown, p.paused_until, p.task_identifier, s.run_id, (
      select max(b.next_probe_at)
      from app_private.breakers b
      join app_private.links l on l.account_id = a.id
      where b.platform_source = a.platform_source and b.institution_code in (l.institution_code, '')
    ) as down_until, (select z.until from app_private.standing_pauses(array[p_account_id]) z) as paused_with_others
  into v
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  join app_private.platforms p on p.platform_source = a.platform_source
  where a.id = p_account_id and a.unlinked_at is null
  for no key update of s;
  if not found then
    return null;
  end if;

  case
    when v.paused_at is not null then
      v_outcome := 'paused';
    when v.paused_until > v_now or v.paused_with_others is not null then
      v_outcome := 'paused';
      -- greatest() ignores nulls, and a pause that is over.
      v_until := nullif(greatest(v.paused_until, v.paused_with_others), 'infinity');
    when v.run_id is not null then
      v_outcome := 'already_running';
    when v.down_until > v_now then
      v_outcome := 'provider_down';
      v_until := v.down_until;
    when not p_at_once and v.last_sync_attempt + v.cooldown > v_now then
      v_outcome := case when v.sync_status = 'auth_required' then 'needs_you' else 'cooling_down' end;
      v_until := v.last_sync_attempt + v.cooldown;
    else
      v_outcome := 'queued';
      perform app_private.ensure_job(
        v.task_identifier, json_build_object('accountId', p_account_id, 'trigger', p_trigger),
        'sync:' || p_account_id, p_priority => -10
      );
  end case;
  return row (v_outcome, v_until)::app_public.sync_request;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.quiet_until(p_at timestamp with time zone, p_from time without time zone, p_to time without time zone, p_time_zone text)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case when quiet.is_quiet then (
    select min(slot)
    from generate_series(-1, 2) as days (n),
      lateral (select ((p_at at time zone p_time_zone)::date + days.n + p_to) at time zone p_time_zone) as s (slot)
    where slot > p_at
      and not app_private.is_quiet((slot at time zone p_time_zone)::time, p_from, p_to)
  ) end
  from (select app_private.is_quiet((p_at at time zone p_time_zone)::time, p_from, p_to)) as quiet (is_quiet);
$function$;

CREATE OR REPLACE FUNCTION app_private.quota_learned(p_quota app_private.quotas)
 RETURNS numeric
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select least(1, p_quota.learned + coalesce(extract(epoch from clock_timestamp() - p_quota.refused_at) / 60 * 0.05, 1));
$function$;
grant execute on function app_private.quota_learned(app_private.quotas) to app_admin;

CREATE OR REPLACE FUNCTION app_private.quota_slots(p_limit numeric)
 RETURNS TABLE(slots integer, permits integer)
 LANGUAGE sql
 IMMUTABLE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select k, floor(p_limit / (k + 2))::integer
  from generate_series(1, 10) k
  where floor(p_limit / (k + 2)) >= 1
  order by floor(p_limit / (k + 2)) * k desc, k desc
  limit 1;
$function$;
grant execute on function app_private.quota_slots(numeric) to app_admin;

CREATE OR REPLACE FUNCTION app_private.read_gauges()
 RETURNS TABLE(gauge text, labels json, value double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with now as materialized (
    select app_private.clock() as at, clock_timestamp() as machine
  ),
  platform as materialized (
    select p.platform_source, p.last_dispatch_at, p.paused_reason, p.paused_until > now.at as is_paused, h.accounts, h.paused,
      h.needs_owner, h.failing, h.late, h.stale, h.freshness, h.waiting_for_dispatch
    from app_private.platforms p
    cross join now
    join app_admin.platform_health h on h.platform_source = p.platform_source
  ),
  -- As tasks/@worker/runners.ts names them.
  runner as (
    select p.platform_source::text as name from platform p
    union all
    select c::text from unnest(enum_range(null::app_public.notification_channel)) as c where c <> 'in_app'
    union all
    select 'general'
  ),
  down as (
    select i.platform_source, case when i.nth <= 20 then i.institution_code else 'others' end as institution
    from (
      select i.platform_source, i.institution_code,
        row_number() over (partition by i.platform_source order by i.opened_at, i.institution_code) as nth
      from app_admin.incidents i
      where i.closed_at is null and i.institution_code <> ''
    ) i
    group by 1, 2
  )
  select g.name, json_build_object('platform', p.platform_source), g.value
  from platform p
  join app_admin.sync_windows w on w.platform_source = p.platform_source
  join app_admin.quota q on q.platform_source = p.platform_source
  cross join now
  cross join lateral (
    select count(*) as waiting, min(i.received_at) as oldest
    from app_private.webhooks i
    where i.processed_at is null and i.platform_source = p.platform_source
  ) i
  cross join lateral (values
    ('accounts', coalesce(p.accounts, 0)::double precision),
    ('accounts_fresh_ratio', coalesce(p.freshness, 1)),
    ('dispatch_lag_seconds', coalesce(extract(epoch from p.waiting_for_dispatch), 0)),
    ('dispatcher_last_tick_timestamp_seconds', extract(epoch from p.last_dispatch_at)),
    ('sync_window_at_risk', w.at_risk::integer),
    ('sync_window_load_ratio', w.accounts_due::double precision / nullif(w.window_capacity, 0)),
    ('quota_requests_per_second', q.usable_per_second),
    ('quota_learned_ratio', q.learned),
    ('quota_blocked_seconds', coalesce(extract(epoch from q.blocked_until - now.machine), 0)),
    ('refreshes_today', coalesce(q.refreshes_today, 0)),
    ('refresh_cap', q.daily_refresh_cap),
    ('refresh_cost_today', coalesce(q.cost_today, 0)),
    ('open_auth_episodes', (
      select count(*)
      from app_private.auth_episodes e
      join app_public.accounts a on a.id = e.account_id
      where e.recovered_at is null and a.platform_source = p.platform_source and a.unlinked_at is null
    )),
    ('waiting_webhooks', i.waiting),
    ('oldest_waiting_webhook_seconds', coalesce(extract(epoch from now.at - i.oldest), 0)),
    ('open_unlinkings', (
      select count(*) from app_private.unlinkings u where u.state = 'open' and u.platform_source = p.platform_source
    ))
  ) as g (name, value)
  where g.value is not null
  union all
  select 'accounts_with_problem', json_build_object('platform', p.platform_source, 'problem', g.problem), coalesce(g.value, 0)
  from platform p
  cross join lateral (values
    ('paused', p.paused), ('needs_owner', p.needs_owner), ('failing', p.failing), ('late', p.late), ('stale', p.stale)
  ) as g (problem, value)
  union all
  select 'platform_paused', json_build_object('platform', p.platform_source, 'reason', r.reason),
    (coalesce(p.is_paused, false)
      and (r.reason = 'configuration') = (coalesce(p.paused_reason, '') like 'configuration:%'))::integer
  from platform p
  cross join (values ('configuration'), ('operator')) as r (reason)
  union all
  select 'open_runs', json_build_object('platform', p.platform_source, 'state', st.state),
    count(s.account_id) filter (where (s.held_by is not null) = (st.state = 'running'))
  from platform p
  cross join (values ('running'), ('waiting')) as st (state)
  left join app_public.sync_logs l on l.status = 'in_progress' and l.platform_source = p.platform_source
  left join app_private.sync_states s on s.account_id = l.account_id and s.run_id = l.id
  group by p.platform_source, st.state
  union all
  select 'queue_jobs', json_build_object('task', q.task, 'state', g.state), g.jobs
  from app_admin.queue q
  cross join lateral (values ('ready', q.ready), ('running', q.running), ('scheduled', q.later), ('dead', q.dead)) as g (state, jobs)
  union all
  select 'queue_lag_seconds', json_build_object('task', q.task), coalesce(extract(epoch from q.oldest_ready), 0)
  from app_admin.queue q
  union all
  select 'workers', json_build_object('runner', r.name), count(w.worker_id) filter (where w.alive)
  from runner r
  left join app_admin.workers w on w.runner = r.name
  group by r.name
  union all
  select 'worker_oldest_beat_seconds', json_build_object('runner', w.runner), extract(epoch from max(w.beat_ago))
  from app_admin.workers w
  where w.runner in (select r.name from runner r)
  group by w.runner
  union all
  select 'open_incidents', json_build_object('platform', p.platform_source, 'scope', sc.scope),
    count(i.id) filter (where (i.institution_code = '') = (sc.scope = 'platform'))
  from platform p
  cross join (values ('institution'), ('platform')) as sc (scope)
  left join app_admin.incidents i on i.platform_source = p.platform_source and i.closed_at is null
  group by p.platform_source, sc.scope
  union all
  select 'institution_down', json_build_object('platform', d.platform_source, 'institution', d.institution), 1
  from down d
  union all
  select 'statistics_age_seconds', json_build_object(), extract(epoch from now.machine - s.accounts_counted_at)
  from app_private.statistics s
  cross join now
  where s.accounts_counted_at is not null;
$function$;
grant execute on function app_private.read_gauges() to app_authenticator;
grant execute on function app_private.read_gauges() to app_worker;

CREATE OR REPLACE FUNCTION app_private.readiness()
 RETURNS TABLE(platform_source app_public.platform_source, last_dispatch_at timestamp with time zone, seconds_ago double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select p.platform_source, p.last_dispatch_at, extract(epoch from clock_timestamp() - p.last_dispatch_at)::double precision
  from app_private.platforms p
  order by p.platform_source;
$function$;
grant execute on function app_private.readiness() to app_authenticator;

CREATE OR REPLACE FUNCTION app_private.reauth_target(p_account_id uuid)
 RETURNS TABLE(user_id uuid, platform_source app_public.platform_source, mono_account_id text, standing text, now timestamp with time zone, key_id text, sealed bytea)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.user_id, a.platform_source, a.mono_account_id,
    case
      when a.unlinked_at is not null then 'unlinked'
      when a.sync_status = 'auth_required' then 'needs_you'
      else 'connected'
    end,
    app_private.clock(), l.key_id, l.sealed
  from app_public.accounts a
  left join app_private.reauth_links l on l.account_id = a.id and l.minted_at > app_private.clock() - interval '3 minutes'
  where a.id = p_account_id;
$function$;
grant execute on function app_private.reauth_target(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.receive_webhooks(p_webhooks json)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_new integer;
begin
  insert into app_private.webhooks as w (
    platform_source, dedupe_key, body_hmac, event, event_id, provider_account_id, reference_id, job_id, status, data_status,
    sync_status, has_new_data, occurred_at, received_at
  )
  -- In the order of the unique index, so that two of these calls never wait for each other in a circle.
  select distinct on (r.platform, r."dedupeKey")
    r.platform, r."dedupeKey", decode(r."bodyHmac", 'base64'), r.event, r."eventId", r."providerAccountId", r."referenceId",
    r."jobId", r.status, r."dataStatus", r."syncStatus", r."hasNewData", r."occurredAt", v_now
  from json_to_recordset(p_webhooks) as r (
    platform app_public.platform_source, "dedupeKey" text, "bodyHmac" text, event text, "eventId" text,
    "providerAccountId" text, "referenceId" uuid, "jobId" text, status text, "dataStatus" text, "syncStatus" text,
    "hasNewData" boolean, "occurredAt" timestamptz, "externalIdHmac" text
  )
  where (r.platform <> 'mtn_momo' or exists (select from app_private.tracked_references t where t.reference_id = r."referenceId"))
    and not exists (
      select from app_private.tombstones d
      where d.platform_source = r.platform and d.external_id_hmac = decode(r."externalIdHmac", 'base64')
    )
    -- Left to the conflict below, a repeat would lock its first delivery, and wait for its judgement to commit.
    and not exists (
      select from app_private.webhooks w
      where w.platform_source = r.platform and w.dedupe_key = r."dedupeKey"
        and (w.event_id is not null or w.job_id is not null or w.received_at >= v_now - interval '24 hours')
    )
  order by r.platform, r."dedupeKey"
  on conflict on constraint webhooks_once do update
  set received_at = excluded.received_at, processed_at = null, outcome = null, account_id = null
  where w.event_id is null and w.job_id is null and w.received_at < v_now - interval '24 hours';
  get diagnostics v_new = row_count;

  if v_new > 0 then
    perform app_private.ensure_job('process_webhooks', '{}', 'process_webhooks', p_max_attempts => 10);
  end if;
  return v_new;
end
$function$;
grant execute on function app_private.receive_webhooks(json) to app_service;

CREATE OR REPLACE FUNCTION app_private.reclaim_runs(p_workers text[], p_except uuid[] DEFAULT '{}'::uuid[])
 RETURNS integer
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with held as (
    select s.account_id, s.run_id
    from app_private.sync_states s
    where s.held_by = any (p_workers) and s.account_id <> all (p_except)
      -- Open runs are few and have an index of their own; held_by has none, to keep begin and finish cheap.
      and s.account_id in (select l.account_id from app_public.sync_logs l where l.status = 'in_progress')
    order by s.account_id
    for no key update
  ),
  freed as (
    update app_private.sync_states s
    set run_id = null, held_by = null, enqueued_until = null, epoch = s.epoch + 1, next_sync_at = app_private.clock(),
      last_failure_kind = 'interrupted'
    from held h
    where s.account_id = h.account_id
  ),
  logged as (
    update app_public.sync_logs l
    set status = 'failed', failure_kind = 'interrupted', sync_completed_at = app_private.clock(),
      error_message = 'The worker stopped before the run was done; what was saved stays saved.',
      next_sync_at = app_private.clock()
    from held h
    where l.id = h.run_id
    returning l.account_id, l.sync_started_at
  ),
  told as (
    update app_public.accounts a
    set last_sync_attempt = l.sync_started_at
    from logged l
    where a.id = l.account_id
    returning a.id
  )
  select count(*)::integer from told;
$function$;

CREATE OR REPLACE FUNCTION app_private.record_deliveries(p_attempts json)
 RETURNS TABLE(id uuid, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_recorded uuid[];
begin
  -- Browsers first: where one is forgotten, all that waits for it is changed as well, and two records of the same browser would
  -- wait for each other's deliveries.
  perform
  from app_public.push_subscriptions b
  where b.id in (
    select d.subscription_id
    from app_private.deliveries d
    join json_to_recordset(p_attempts) as a (id uuid, kind text, "removeSubscription" boolean) on a.id = d.id
    where d.outcome is null and (a.kind = 'delivered' or a."removeSubscription")
  )
  order by b.id
  for no key update;

  with attempts as (
    select *
    from json_to_recordset(p_attempts) as a (
      id uuid, attempt integer, kind text, code text, reason text, "notBefore" timestamptz, "providerMessageId" text,
      "removeSubscription" boolean
    )
  ),
  locked as (
    select d.id
    from app_private.deliveries d
    join attempts a on a.id = d.id
    where d.outcome is null and (a.kind = 'delivered' or a.attempt = d.attempts and d.leased_until is not null)
    order by d.id
    for no key update of d
  ),
  recorded as (
    update app_private.deliveries d
    set outcome = case when a.kind not in ('retry', 'configuration') then a.kind end,
      finished_at = case when a.kind not in ('retry', 'configuration') then v_now end,
      next_attempt_at = case when a.kind in ('retry', 'configuration') then greatest(
        v_now + app_private.retry_delay(d.attempts, d.id),
        -- A channel that asks for a year means something else.
        case when a."notBefore" is not null then least(a."notBefore", v_now + interval '1 day') end) end,
      needs_operator = a.kind = 'configuration',
      code = left(a.code, 100),
      reason = left(a.reason, 300),
      provider_message_id = left(a."providerMessageId", 200),
      enqueued_until = null,
      leased_until = null,
      held_by = null
    from locked l
    join attempts a on a.id = l.id
    where d.id = l.id
    returning d.id, d.subscription_id, d.outcome, a."removeSubscription"
  ),
  reached as (
    update app_public.push_subscriptions b
    set last_delivered_at = v_now
    from recorded r
    where b.id = r.subscription_id and r.outcome = 'delivered'
  )
  select array_agg(r.id) into v_recorded from recorded r;

  delete from app_public.push_subscriptions b
  using app_private.deliveries d, json_to_recordset(p_attempts) as a (id uuid, "removeSubscription" boolean)
  where d.id = a.id and a."removeSubscription" and d.id = any (v_recorded) and b.id = d.subscription_id;

  return query
    select a.id, case when a.id = any (v_recorded) then 'ok' else 'lost' end
    from json_to_recordset(p_attempts) as a (id uuid);
end
$function$;
grant execute on function app_private.record_deliveries(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.record_sync_failures(p_failures json)
 RETURNS TABLE(account_id uuid, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_held uuid[] := app_private.lock_runs(p_failures);
begin
  with failed as (
    select f.*, p.*
    from json_to_recordset(p_failures) as f (
      "accountId" uuid, "runId" bigint, state jsonb, kind app_public.failure_kind, message text, code text, "retryAt" timestamptz, log json
    )
    cross join lateral app_private.failure_policy(f.kind) p
    where f."accountId" = any (v_held)
  ),
  scheduled as (
    update app_private.sync_states s
    set run_id = null,
      held_by = null,
      enqueued_until = null,
      provider_state = coalesce(f.state, s.provider_state),
      failures = s.failures + f.counts::integer,
      last_failure_kind = f.kind,
      -- A link that needs its owner is told as such, and a key of ours that is wrong is told to no user: each begins anew
      -- what lasts.
      failing_since = case
        when f.tells in ('owner', 'operator') then null
        when f.tells = 'owner_in_time' then coalesce(s.failing_since, v_now)
        else s.failing_since
      end,
      failing_told_at = case when f.tells <> 'owner' then s.failing_told_at end,
      next_sync_at = case f.retry
        when 'backoff' then greatest(
          v_now + app_private.retry_delay(s.failures + f.counts::integer, s.account_id),
          -- A provider that asks for a year means something else. (least() would take a null for "no wish" as "a day".)
          case when f."retryAt" is not null then least(f."retryAt", v_now + interval '1 day') end)
        when 'interval' then app_private.schedule(s.account_id, v_now)
        else v_now
      end
    from failed f
    where s.account_id = f."accountId"
    returning s.account_id, s.next_sync_at, s.failures
  ),
  logged as (
    update app_public.sync_logs l
    set status = f.log_status,
      failure_kind = f.kind,
      error_message = left(f.message, 300),
      platform_specific_error = left(f.code, 200),
      sync_completed_at = v_now,
      pages = coalesce((f.log ->> 'pages')::integer, l.pages),
      seen_count = coalesce((f.log ->> 'seen')::integer, 0),
      unchanged_count = coalesce((f.log ->> 'unchanged')::integer, 0),
      refused_count = coalesce((select sum(n.value::integer) from json_each_text(f.log -> 'refusals') n), 0),
      refusals = nullif((f.log -> 'refusals')::jsonb, '{}'),
      windows = nullif((f.log -> 'windows')::jsonb, '[]'),
      requests = coalesce((f.log ->> 'requests')::integer, 0),
      next_sync_at = s.next_sync_at
    from failed f
    join scheduled s on s.account_id = f."accountId"
    where l.id = f."runId"
    returning l.id, l.account_id, l.sync_started_at
  ),
  paused as (
    update app_private.platforms p
    set paused_until = v_now + interval '5 minutes', paused_reason = 'configuration: ' || left(f.message, 200)
    from (
      select distinct on (s.platform_source) s.platform_source, f.message
      from failed f
      join app_private.sync_states s on s.account_id = f."accountId"
      where f.tells = 'operator'
    ) f
    where p.platform_source = f.platform_source
      -- An operator's own, longer pause stands.
      and (p.paused_until is null or p.paused_until < v_now + interval '5 minutes')
  )
  update app_public.accounts a
  set last_sync_attempt = l.sync_started_at,
    sync_status = coalesce(
      f.sync_status,
      case when f.counts and s.failures >= 3 and a.sync_status = 'active' then 'error' else a.sync_status end
    )
  from failed f
  join logged l on l.account_id = f."accountId"
  join scheduled s on s.account_id = f."accountId"
  where a.id = f."accountId";

  perform app_private.open_episodes(coalesce((
    select json_agg(json_build_object('accountId', f."accountId", 'runId', f."runId"))
    from json_to_recordset(p_failures) as f ("accountId" uuid, "runId" bigint, kind app_public.failure_kind)
    cross join lateral app_private.failure_policy(f.kind) p
    where f."accountId" = any (v_held) and p.tells = 'owner'
  ), '[]'));
  perform app_private.trip_breakers(coalesce((
    select json_agg(json_build_object('accountId', f."accountId", 'kind', f.kind))
    from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind)
    where f."accountId" = any (v_held) and f.kind in ('transient', 'provider_down')
  ), '[]'));
  perform app_private.tell_episodes(v_held);
  perform app_private.tell_failing(v_held);
  perform app_private.teach_quota(s.platform_source, max(f."retryAt") - v_now)
  from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind, "retryAt" timestamptz)
  join app_private.sync_states s on s.account_id = f."accountId"
  where f."accountId" = any (v_held) and f.kind = 'rate_limited'
  group by s.platform_source;

  return query
    select r."accountId", case when r."accountId" = any (v_held) then 'ok' else 'lost' end
    from json_to_recordset(p_failures) as r ("accountId" uuid);
end
$function$;
grant execute on function app_private.record_sync_failures(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.record_tag_mirror(p_attempt json)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.tag_mirrors m
  set next_attempt_at = case
      when m.version <> a.version then m.next_attempt_at
      when a.code = 'not_set_up' then null
      when a.kind in ('retry', 'configuration') then greatest(
        app_private.clock() + app_private.retry_delay(m.attempts, m.user_id),
        case when a."notBefore" is not null then least(a."notBefore", app_private.clock() + interval '1 day') end)
    end,
    mirrored_at = case when a.kind = 'delivered' then app_private.clock() else m.mirrored_at end,
    needs_operator = a.kind = 'configuration',
    code = left(a.code, 100),
    reason = left(a.reason, 300),
    enqueued_until = null
  from json_to_record(p_attempt) as a (
    "userId" uuid, version integer, kind text, code text, reason text, "notBefore" timestamptz
  )
  where m.user_id = a."userId";
$function$;
grant execute on function app_private.record_tag_mirror(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.record_tap(p_account_id uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.auth_episodes e
  set tapped_at = app_private.clock()
  where e.account_id = p_account_id and e.recovered_at is null and e.tapped_at is null;
$function$;
grant execute on function app_private.record_tap(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.record_unlink_failures(p_failures json)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.unlinkings u
  set last_failure_kind = f.kind, last_failure = left(f.message, 300), next_try_at = coalesce(f."retryAt", u.next_try_at)
  from json_to_recordset(p_failures) as f (id bigint, kind app_public.failure_kind, message text, "retryAt" timestamptz)
  where u.id = f.id and u.state = 'open';
$function$;
grant execute on function app_private.record_unlink_failures(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.reference_poll_delay(p_polls integer)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (array['30 s', '1 min', '2 min', '5 min', '10 min', '30 min', '1 hour', '6 hours', '24 hours'])
           [least(greatest(p_polls, 0), 8) + 1]::interval;
$function$;

CREATE OR REPLACE FUNCTION app_private.release_key_renewal(p_holder uuid)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.links set key_renewal = null, key_renewal_until = null where key_renewal = p_holder;
$function$;
grant execute on function app_private.release_key_renewal(uuid) to app_worker;

CREATE OR REPLACE FUNCTION app_private.release_paused(p_account_ids uuid[])
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_released integer;
begin
  update app_private.sync_states s
  set enqueued_until = null
  from app_public.accounts a
  where s.account_id = any (p_account_ids) and a.id = s.account_id and a.unlinked_at is null
    and s.run_id is null and s.enqueued_until > app_private.clock();
  get diagnostics v_released = row_count;
  return v_released;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.remind_owners(p_limit integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_reminded integer;
begin
  with due as (
    select e.id, e.account_id
    from app_private.auth_episodes e
    where e.recovered_at is null and e.reminded_at is null and e.told_at is not null
      and greatest(e.told_at, e.reopened_at) <= v_now - (select min(p.reminder_after) from app_private.platforms p)
    for no key update skip locked
  ),
  reminded as (
    update app_private.auth_episodes e
    set reminded_at = v_now
    from (
      select d.id, a.user_id, a.id as account_id, a.platform_source
      from due d
      join app_private.auth_episodes o on o.id = d.id
      join app_public.accounts a on a.id = d.account_id
      join app_private.platforms p on p.platform_source = a.platform_source
      where greatest(o.told_at, o.reopened_at) <= v_now - p.reminder_after and not app_private.is_down(d.account_id)
      order by d.id
      limit p_limit
    ) as r
    where e.id = r.id
    returning e.id, r.user_id, r.account_id, r.platform_source
  ),
  told as (
    insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, created_at)
    select r.user_id, r.account_id, r.platform_source, 'reauth_reminder', r.id, v_now
    from reminded r
    on conflict (episode_id, kind) where episode_id is not null do nothing
    returning id
  )
  select count(*)::integer into v_reminded from told;
  return v_reminded;
end
$function$;
comment on function app_private.remind_owners(integer) is 'Reminds owners who are still waited for, once an episode, and answers how many.';
grant execute on function app_private.remind_owners(integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.request_account_sync(p_account_id uuid)
 RETURNS TABLE(platform_source app_public.platform_source, outcome app_public.sync_request_outcome, until timestamp with time zone)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_answer app_public.sync_request := app_private.queue_sync(p_account_id, 'backend');
begin
  if v_answer is null then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  return query
    select a.platform_source, v_answer.outcome, v_answer.until from app_public.accounts a where a.id = p_account_id;
end
$function$;
grant execute on function app_private.request_account_sync(uuid) to app_service;

CREATE OR REPLACE FUNCTION app_private.request_syncs(p_platform app_public.platform_source)
 RETURNS TABLE(queued integer, running integer, cooling_down integer, needs_you integer, paused integer, provider_down integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_platform app_private.platforms;
  v_rate double precision;
begin
  select * into v_platform from app_private.platforms where platform_source = p_platform;
  -- Accounts a second. A quiet sync is one request and one with news a few: two on average. Without a limit of ours, 100
  -- a second keep the queue short.
  select coalesce(q.requests * q.learned * (1 - q.reserve) / extract(epoch from q.per) / 2, 100) into v_rate
  from app_private.quotas q
  where q.platform_source = p_platform;
  v_rate := coalesce(v_rate, 100);

  return query
  with judged as (
    select s.account_id, a.last_synced_at,
      case
        when a.paused_at is not null or v_platform.paused_until > v_now then 'paused'
        when exists (
          select from app_private.pauses z
          where z.until > v_now
            and (z.user_id = a.user_id or (z.platform_source = p_platform and z.institution_code = l.institution_code))
        ) then 'paused'
        when s.run_id is not null then 'running'
        when exists (
          select from app_private.breakers b
          where b.platform_source = p_platform and b.institution_code in (l.institution_code, '') and b.next_probe_at > v_now
        ) then 'provider_down'
        when a.sync_status = 'auth_required' then 'needs_you'
        when a.last_sync_attempt + v_platform.cooldown > v_now then 'cooling_down'
        else 'queued'
      end as verdict
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform and a.unlinked_at is null
  ),
  placed as (
    select j.account_id, v_now + make_interval(secs =>
      (row_number() over (order by j.last_synced_at nulls first, j.account_id) - 1) / v_rate) as slot
    from judged j
    where j.verdict = 'queued'
  ),
  -- A row that is locked has its run opened or closed at this very moment.
  locked as (
    select s.account_id, p.slot
    from placed p
    join app_private.sync_states s on s.account_id = p.account_id
    where s.next_sync_at > p.slot
    order by s.account_id
    for no key update of s skip locked
  ),
  brought_forward as (
    update app_private.sync_states s
    set next_sync_at = l.slot
    from locked l
    where s.account_id = l.account_id and s.run_id is null
  )
  select
    (count(*) filter (where j.verdict = 'queued'))::integer,
    (count(*) filter (where j.verdict = 'running'))::integer,
    (count(*) filter (where j.verdict = 'cooling_down'))::integer,
    (count(*) filter (where j.verdict = 'needs_you'))::integer,
    (count(*) filter (where j.verdict = 'paused'))::integer,
    (count(*) filter (where j.verdict = 'provider_down'))::integer
  from judged j;

  -- The first of them need not wait for the full minute.
  perform app_private.ensure_job(
    'enqueue_due_syncs', json_build_object('platform', p_platform), 'enqueue_due_syncs:' || p_platform
  );
end
$function$;
grant execute on function app_private.request_syncs(app_public.platform_source) to app_service;

CREATE OR REPLACE FUNCTION app_private.require_institution(p_platform app_public.platform_source, p_institution text)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if coalesce(p_institution, '') = '' then
    raise exception 'Name an institution by its code; app_admin.institution_health lists them.' using errcode = 'NTFND';
  end if;
  if not exists (
    select
    from app_private.links l
    join app_public.accounts a on a.id = l.account_id
    where l.institution_code = p_institution and a.platform_source = p_platform and a.unlinked_at is null
  ) then
    raise exception 'No account of this platform is linked to an institution %.', p_institution using errcode = 'NTFND';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.require_linked(p_account_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not exists (select from app_public.accounts a where a.id = p_account_id) then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if exists (select from app_public.accounts a where a.id = p_account_id and a.unlinked_at is not null) then
    raise exception 'The account was unlinked: there is nothing to sync.' using errcode = 'OPSNP';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.require_owner(p_account_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.open_episodes(json_build_array(json_build_object('accountId', p_account_id)));
  update app_private.sync_states set last_failure_kind = 'auth_required' where account_id = p_account_id;
  update app_public.accounts set sync_status = 'auth_required' where id = p_account_id and sync_status <> 'auth_required';
  perform app_private.tell_episodes(array[p_account_id]);
end
$function$;

CREATE OR REPLACE FUNCTION app_private.require_platform(p_platform app_public.platform_source)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if p_platform is null then
    raise exception 'Name a platform: %.', array_to_string(enum_range(p_platform), ' or ') using errcode = 'NTFND';
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.reschedule(p_account_ids uuid[], p_spread boolean DEFAULT false)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;

CREATE OR REPLACE FUNCTION app_private.reschedule_accounts(p_platform app_public.platform_source, p_limit integer DEFAULT 1000)
 RETURNS TABLE(outcome text, accounts integer, gone_through integer, rescheduled integer, left_over integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  r app_private.reschedulings;
  v_next uuid[];
  v_ids uuid[];
  v_free uuid[];
  v_held uuid[];
  v_again boolean;
begin
  select t.* into r
  from app_private.reschedulings t
  where t.platform_source = p_platform and t.ended_at is null
  for no key update skip locked;
  if not found then
    return;
  end if;

  v_next := array(
    -- Those that were unlinked are never due. (By a join with accounts, each batch read these from the first on.)
    select s.account_id
    from app_private.sync_states s
    where s.platform_source = p_platform and s.account_id > r.last_account_id and s.next_sync_at < 'infinity'
    order by s.account_id
    limit p_limit
  );
  v_again := v_next = '{}' or cardinality(r.left_over) >= p_limit;
  if v_again then
    v_ids := r.left_over;
    r.left_over := '{}';
  else
    v_ids := v_next;
    r.last_account_id := v_next[cardinality(v_next)];
    r.gone_through := r.gone_through + cardinality(v_next);
  end if;

  v_free := array(
    select s.account_id from app_private.sync_states s where s.account_id = any (v_ids) order by s.account_id for no key update skip locked
  );
  r.rescheduled := r.rescheduled + app_private.reschedule(v_free, true);
  -- One that was erased meanwhile is neither.
  v_held := array(
    select s.account_id from app_private.sync_states s where s.account_id = any (v_ids) and s.account_id <> all (v_free)
  );
  r.left_over := r.left_over || v_held;

  outcome := case
    when r.left_over = '{}' and (v_next = '{}' or not v_again and cardinality(v_next) < p_limit) then 'done'
    when v_again and cardinality(v_held) = cardinality(v_ids) then 'locked'
    else 'more'
  end;
  update app_private.reschedulings t
  set last_account_id = r.last_account_id, gone_through = r.gone_through, rescheduled = r.rescheduled, left_over = r.left_over
  where t.platform_source = p_platform;
  if outcome = 'done' then
    -- Whose account was the last is nobody's affair any more.
    update app_private.reschedulings t
    set ended_at = clock_timestamp(), last_account_id = default
    where t.platform_source = p_platform;
  end if;
  return query select outcome, r.accounts, r.gone_through, r.rescheduled, cardinality(r.left_over);
end
$function$;
grant execute on function app_private.reschedule_accounts(app_public.platform_source,integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.reseal_credentials(p_rows json)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_count integer;
begin
  update app_private.credentials c
  set key_id = r.key_id, sealed = decode(r.sealed, 'base64'), updated_at = now()
  from json_to_recordset(p_rows) as r (account_id uuid, kind text, old_key_id text, old_sealed text, key_id text, sealed text)
  where c.account_id = r.account_id and c.kind = r.kind and c.key_id = r.old_key_id
    and c.sealed = decode(r.old_sealed, 'base64');
  get diagnostics v_count = row_count;
  return v_count;
end
$function$;
grant execute on function app_private.reseal_credentials(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.reserve_refreshes(p_platform app_public.platform_source, p_account_ids uuid[], p_first uuid[])
 RETURNS uuid[]
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p app_private.platforms;
  v_day date;
  v_used integer;
  v_allowed uuid[];
begin
  select * into p from app_private.platforms where platform_source = p_platform;
  if p.refresh_price is null or cardinality(p_account_ids) = 0 then
    return p_account_ids;
  end if;
  v_day := (app_private.clock() at time zone p.time_zone)::date;
  insert into app_private.refresh_usage as u (platform_source, day) values (p_platform, v_day)
  on conflict (platform_source, day) do update set refreshes = u.refreshes
  returning refreshes into v_used;

  if p.daily_refresh_cap is null then
    v_allowed := p_account_ids;
  else
    select coalesce(array_agg(id), '{}') into v_allowed
    from (
      select id, row_number() over (order by not id = any (p_first)) as nth, id = any (p_first) as first
      from unnest(p_account_ids) id
    ) asked
    where v_used + nth <= case when first then p.daily_refresh_cap else floor(p.daily_refresh_cap * 0.9) end;
  end if;
  update app_private.refresh_usage
  set refreshes = refreshes + cardinality(v_allowed), cost = cost + cardinality(v_allowed) * p.refresh_price
  where platform_source = p_platform and day = v_day and cardinality(v_allowed) > 0;
  return v_allowed;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.reset_breakers(p_account_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_closed record;
begin
  for v_closed in
    with touched as (
      select distinct b.platform_source, b.institution_code
      from app_private.sync_states s
      join app_private.links l on l.account_id = s.account_id
      join app_private.breakers b on b.platform_source = s.platform_source
        and b.institution_code in (l.institution_code, '') and b.failed_accounts <> '{}'
      where s.account_id = any (p_account_ids)
    ),
    locked as (
      select b.platform_source, b.institution_code, b.opened_at
      from app_private.breakers b
      join touched using (platform_source, institution_code)
      order by b.platform_source, b.institution_code
      for update of b
    )
    update app_private.breakers b
    set failed_accounts = '{}', opened_at = null, next_probe_at = null, probes = 0
    from locked
    where b.platform_source = locked.platform_source and b.institution_code = locked.institution_code
    returning b.platform_source, b.institution_code, locked.opened_at
  loop
    continue when v_closed.opened_at is null;
    perform app_private.close_breaker(v_closed.platform_source, v_closed.institution_code);
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.resume_deliveries(p_channels app_public.notification_channel[], p_limit integer DEFAULT 1000)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_deliveries integer;
  v_mirrors integer := 0;
begin
  update app_private.deliveries d
  set next_attempt_at = app_private.clock(), needs_operator = false
  where d.id in (
    select w.id
    from app_private.deliveries w
    where w.needs_operator and w.channel = any (p_channels) and w.leased_until is null
    limit p_limit
    for no key update skip locked
  );
  get diagnostics v_deliveries = row_count;
  if 'onesignal' = any (p_channels) then
    update app_private.tag_mirrors m
    set next_attempt_at = app_private.clock(), needs_operator = false
    where m.user_id in (
      select w.user_id from app_private.tag_mirrors w where w.needs_operator limit p_limit for no key update skip locked
    );
    get diagnostics v_mirrors = row_count;
  end if;
  return greatest(v_deliveries, v_mirrors);
end
$function$;
grant execute on function app_private.resume_deliveries(app_public.notification_channel[],integer) to app_worker;

CREATE OR REPLACE FUNCTION app_private.resume_run(p_account_id uuid)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v record;
begin
  update app_private.sync_states s
  -- Claimed, as the dispatcher would have done.
  set next_sync_at = v_now, enqueued_until = v_now + interval '10 minutes'
  from app_private.platforms p
  where s.account_id = p_account_id and s.run_id is not null and s.held_by is null and p.platform_source = s.platform_source
  returning s.run_id, p.task_identifier into v;
  if found then
    perform app_private.ensure_job(
      v.task_identifier, json_build_object('accountId', p_account_id, 'runId', v.run_id::text),
      'sync:' || p_account_id, p_priority => -10
    );
  end if;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.resume_syncs(p_platform app_public.platform_source, p_worker text, p_requests json)
 RETURNS TABLE(account_id uuid, outcome text, details json)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_outcomes jsonb;
  v_begun uuid[];
begin
  with requests as (
    select distinct on (r."accountId") r."accountId" as id, r."runId" as run_id
    from json_to_recordset(p_requests) as r ("accountId" uuid, "runId" bigint)
  ),
  locked as (
    select s.account_id, s.run_id, s.held_by
    from app_private.sync_states s
    where s.platform_source = p_platform and s.account_id in (select id from requests)
    order by s.account_id
    for no key update skip locked
  ),
  judged as (
    select r.id,
      case
        when s.platform_source <> p_platform then 'wrong_platform'
        when l.account_id is null and s.account_id is not null then 'busy'
        when l.run_id is distinct from r.run_id then 'stale'
        when l.held_by is not null then 'running'
      end as refusal
    from requests r
    left join app_private.sync_states s on s.account_id = r.id
    left join locked l on l.account_id = r.id
  ),
  leased as (
    update app_private.sync_states s
    set epoch = s.epoch + 1, held_by = p_worker, enqueued_until = 'infinity'
    from judged j
    where s.account_id = j.id and j.refusal is null
    returning s.account_id
  )
  select
    jsonb_object_agg(j.id, coalesce(j.refusal, 'begun')),
    (select array_agg(l.account_id) from leased l)
  into v_outcomes, v_begun
  from judged j;

  perform app_private.announce('runs', (
    select array_agg(jsonb_build_array(l.account_id, l.user_id, l.id::text))
    from app_public.sync_logs l
    where l.account_id = any (v_begun) and l.status = 'in_progress'
  ));

  return query
    select o.key::uuid, o.value, d.details
    from jsonb_each_text(coalesce(v_outcomes, '{}')) o
    -- Its refresh, if it had one, was begun before it waited.
    left join app_private.lease_details(v_begun, '{}', v_begun) d on d.account_id = o.key::uuid;
end
$function$;
grant execute on function app_private.resume_syncs(app_public.platform_source,text,json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.retry_delay(p_failures integer, p_account_id uuid)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (array['1 min', '2 min', '5 min', '15 min', '30 min', '1 hour', '2 hours', '4 hours', '6 hours'])
           [least(greatest(p_failures, 1), 9)]::interval
         * (0.8 + 0.4 * app_private.stable_jitter(p_account_id::text || ':' || p_failures));
$function$;

CREATE OR REPLACE FUNCTION app_private.save_page(p_page app_private.judged_page)
 RETURNS TABLE(new_count integer, changed_count integer, removed_count integer, deferred text[])
 LANGUAGE plpgsql
 ROWS 1
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_inserted bigint[] := '{}';
  v_touched bigint[] := '{}';
  v_reissued bigint[] := '{}';
  v_taken text[] := '{}';
  v_removed integer := 0;
  v_deferred text[] := '{}';
begin
  if p_page.changed_rows is not null then
    with changed as (
      select t.id as row_id, i.*
      from unnest(p_page.changed_rows) i
      join app_public.transactions t on t.account_id = p_page.account_id and t.provider_transaction_id = i.id
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id,
        case when t.status = 'removed' then 'restored' else 'changed' end::app_public.revision_kind,
        v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction, t.amount, t.currency, t.occurred_at,
        t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join changed c on c.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set status = c.status, direction = c.direction, amount = c.amount, currency = c.currency,
        occurred_at = c."occurredAt", occurred_on = c."occurredOn", narration = c.narration,
        provider_category = c.category, balance_after = c."balanceAfter", counterparty = c.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
      from changed c
      where t.id = c.row_id
      returning t.id
    )
    select coalesce(array_agg(id), '{}') into v_touched from written;
  end if;

  if p_page.settles and p_page.new_rows is not null then
    -- Equal payments on one day pair off in order; one missing row stands for one new row, never for two.
    with fresh as (
      select i.*,
        row_number() over (
          partition by i."occurredOn", i.direction, i.amount, i.currency, app_private.normal_narration(i.narration)
          order by i."occurredAt", i.id
        ) as nth
      from unnest(p_page.new_rows) i
    ),
    missing as (
      select t.*,
        row_number() over (
          partition by t.occurred_on, t.direction, t.amount, t.currency, app_private.normal_narration(t.narration)
          order by t.status = 'removed', t.occurred_at, t.id
        ) as nth
      from app_public.transactions t
      where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.source = p_page.source
        and t.occurred_on between p_page.from_day and p_page.to_day
        and not exists (select from unnest(p_page.ids) as known (id) where known.id = t.provider_transaction_id)
    ),
    pairs as (
      select m.id as row_id, f.*
      from fresh f
      join missing m on m.occurred_on = f."occurredOn" and m.direction = f.direction and m.amount = f.amount
        and m.currency = f.currency and app_private.normal_narration(m.narration) = app_private.normal_narration(f.narration)
        and m.nth = f.nth
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id, 'reissued', v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join pairs on pairs.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set provider_transaction_id = n.id, status = n.status, occurred_at = n."occurredAt", narration = n.narration,
        provider_category = n.category, balance_after = n."balanceAfter", counterparty = n.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
      from pairs n
      where t.id = n.row_id
      returning t.id, t.provider_transaction_id
    )
    select coalesce(array_agg(id), '{}'), coalesce(array_agg(provider_transaction_id), '{}') into v_reissued, v_taken from written;
  elsif p_page.new_rows is not null and p_page.has_windows then
    -- Row by row through the index by day and amount: joined as a set, every row of the account had its narration normalised.
    select coalesce(array_agg(i.id), '{}') into v_deferred
    from unnest(p_page.new_rows) i
    where exists (
        select from (
          select t.provider_transaction_id, t.narration
          from app_public.transactions t
          where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.occurred_on = i."occurredOn"
            and t.amount = i.amount and t.direction = i.direction and t.currency = i.currency and t.source = p_page.source
          offset 0
        ) alike
        where app_private.normal_narration(alike.narration) = app_private.normal_narration(i.narration)
          and alike.provider_transaction_id <> all (coalesce(p_page.known_ids, '{}'))
      );
  end if;

  if p_page.new_rows is not null then
    with written as (
      insert into app_public.transactions (
        account_id, user_id, source, provider_transaction_id, status, direction, amount, currency, occurred_at,
        occurred_on, narration, provider_category, balance_after, counterparty, first_seen_at, run_id
      )
      select p_page.account_id, p_page.user_id, p_page.source, i.id, i.status, i.direction, i.amount, i.currency, i."occurredAt",
        i."occurredOn", i.narration, i.category, i."balanceAfter", i.counterparty, v_now, p_page.run_id
      from unnest(p_page.new_rows) i
      -- A subquery, which is hashed: a bank may issue a whole window's rows anew.
      where i.id not in (select unnest(v_deferred || v_taken))
      order by i."occurredAt"
      returning id
    )
    select coalesce(array_agg(id), '{}') into v_inserted from written;
  end if;

  if p_page.missing > 0 then
    with gone as (
      select t.id
      from app_public.transactions t
      where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.source = p_page.source
        and t.occurred_on between p_page.from_day and p_page.to_day and t.status <> 'removed'
        and not exists (select from unnest(p_page.ids) as known (id) where known.id = t.provider_transaction_id)
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id, 'removed', v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join gone g on g.id = t.id
    )
    update app_public.transactions t
    set status = 'removed', revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
    from gone g
    where t.id = g.id;
    get diagnostics v_removed = row_count;
  end if;

  if p_page.polled is not null then
    update app_private.tracked_references r
    set polls = r.polls + 1,
      outcome = d.outcome,
      settled_at = case when d.outcome <> 'open' then v_now end,
      next_poll_at = case when d.outcome = 'open' then v_now + app_private.reference_poll_delay(r.polls + 1) end
    from (
      select d."referenceId",
        -- A reference that the provider does not know may still be on its way: somebody may track it before posting it.
        case when d.outcome = 'unknown' and t.requested_at > v_now - interval '1 day' then 'open' else d.outcome end as outcome
      from json_to_recordset(p_page.polled) as d ("referenceId" uuid, outcome text)
      join app_private.tracked_references t on t.reference_id = d."referenceId"
    ) d
    where r.reference_id = d."referenceId" and r.account_id = p_page.account_id and r.outcome = 'open';
  end if;

  if p_page.transactions_task is not null and cardinality(v_inserted || v_touched || v_reissued) > 0 then
    perform graphile_worker.add_job(p_page.transactions_task, json_build_object(
      'accountId', p_page.account_id, 'runId', p_page.run_id::text, 'transactionIds', (v_inserted || v_touched || v_reissued)::text[]
    ));
  end if;

  return query select cardinality(v_inserted), cardinality(v_touched) + cardinality(v_reissued), v_removed, v_deferred;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.save_transactions(p_pages json, p_rows app_private.incoming_transaction[] DEFAULT NULL::app_private.incoming_transaction[])
 RETURNS TABLE(outcome text, new_count integer, changed_count integer, unchanged_count integer, removed_count integer, deferred text[])
 LANGUAGE plpgsql
 SECURITY DEFINER ROWS 10
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_pages app_private.judged_page[] := array(select p from app_private.judge_pages(p_pages, p_rows) p);
  v_held bigint[];
begin
  -- In one order, so that two calls never wait for each other's leases crosswise.
  select coalesce(array_agg(held.nth), '{}') into v_held
  from (
    select p.nth
    from unnest(v_pages) p
    join app_private.sync_states s on s.account_id = p.account_id and s.run_id = p.run_id and s.epoch = p.epoch and s.held_by is not null
    where p.verdict = 'news' or p.settled_days is not null
    order by s.account_id
    for no key update of s
  ) held;

  update app_private.coverage c
  set settled = c.settled + datemultirange(p.settled_days)
  from unnest(v_pages) p
  where c.account_id = p.account_id and c.source = p.source and p.settled_days is not null and p.nth = any (v_held);

  return query
    with saved as materialized (
      select p.nth, p.run_id, p.page, s.*
      from unnest(v_pages) p
      cross join lateral app_private.save_page(p) s
      where p.verdict = 'news' and p.nth = any (v_held)
    ),
    told as (
      -- At once, so that a run which is cut off later still tells what it saved.
      update app_public.sync_logs l
      set new_count = l.new_count + s.new_count,
        changed_count = l.changed_count + s.changed_count,
        removed_count = l.removed_count + s.removed_count,
        transactions_synced = l.transactions_synced + s.new_count + s.changed_count,
        pages = greatest(l.pages, s.page)
      from saved s
      where l.id = s.run_id and s.new_count + s.changed_count + s.removed_count > 0
    )
    select
      case when done.is_ok then 'ok' else 'lost' end,
      coalesce(s.new_count, 0),
      coalesce(s.changed_count, 0),
      case when done.is_ok then p.seen - coalesce(s.new_count + s.changed_count + cardinality(s.deferred), 0) else 0 end,
      coalesce(s.removed_count, 0),
      coalesce(s.deferred, '{}')
    from unnest(v_pages) p
    left join saved s on s.nth = p.nth
    cross join lateral (
      select s.nth is not null or p.verdict = 'quiet' and (p.settled_days is null or p.nth = any (v_held)) as is_ok
    ) done
    order by p.nth;
end
$function$;
grant execute on function app_private.save_transactions(json,app_private.incoming_transaction[]) to app_worker;

CREATE OR REPLACE FUNCTION app_private.schedule(p_account_id uuid, p_after timestamp with time zone, p_activity smallint DEFAULT NULL::smallint)
 RETURNS timestamp with time zone
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select app_private.next_sync_time(
    p_after,
    app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, coalesce(p_activity, s.activity), p.default_interval),
    coalesce(u.preferred_hour, p.preferred_hour),
    coalesce(u.time_zone, p.time_zone),
    -- Somebody who named an hour gets that hour; the spread is for those who did not care.
    case when u.preferred_hour is null then p.sync_window else least(p.sync_window, interval '1 hour') end,
    app_private.stable_jitter(l.login_key)
  )
  from app_private.sync_states s
  join app_public.accounts a on a.id = s.account_id
  join app_private.links l on l.account_id = s.account_id
  join app_private.platforms p on p.platform_source = s.platform_source
  left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = s.platform_source
  where s.account_id = p_account_id;
$function$;

CREATE OR REPLACE FUNCTION app_private.set_clock(p_now timestamp with time zone, p_stopped boolean DEFAULT false)
 RETURNS timestamp with time zone
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.clock_settings
  set clock_offset = coalesce(p_now - now(), interval '0'),
    stopped_at = case when p_stopped then p_now end
  returning coalesce(stopped_at, now() + clock_offset);
$function$;
comment on function app_private.set_clock(timestamp with time zone,boolean) is 'Makes clock() answer p_now from here on.';

CREATE OR REPLACE FUNCTION app_private.stable_jitter(p_key text)
 RETURNS double precision
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (hashtextextended(p_key, 20260101) & 1048575)::double precision / 1048576;
$function$;

CREATE OR REPLACE FUNCTION app_private.standing_link(p_user_id uuid, p_platform app_public.platform_source, p_external_id text)
 RETURNS uuid
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select a.id
  from app_public.accounts a
  where a.user_id = p_user_id and a.platform_source = p_platform and a.unlinked_at is null
    and p_external_id = coalesce(a.mono_account_id, a.mtn_reference_id);
$function$;
grant execute on function app_private.standing_link(uuid,app_public.platform_source,text) to app_service;

CREATE OR REPLACE FUNCTION app_private.standing_pauses(p_account_ids uuid[])
 RETURNS TABLE(account_id uuid, until timestamp with time zone)
 LANGUAGE plpgsql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  if not exists (select from app_private.pauses z where z.until > app_private.clock()) then
    return;
  end if;
  return query
    select a.id, max(z.until)
    from app_public.accounts a
    join app_private.links l on l.account_id = a.id
    join app_private.pauses z on z.until > app_private.clock()
      and (z.user_id = a.user_id or (z.platform_source = a.platform_source and z.institution_code = l.institution_code))
    where a.id = any (p_account_ids)
    group by a.id;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.start_rescheduling(p_platform app_public.platform_source)
 RETURNS integer
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_accounts integer;
begin
  select count(*) into v_accounts from app_public.accounts a where a.platform_source = p_platform and a.unlinked_at is null;
  insert into app_private.reschedulings as r (platform_source, requested_at, accounts)
  values (p_platform, clock_timestamp(), v_accounts)
  on conflict on constraint reschedulings_pkey do update
  set requested_at = excluded.requested_at, accounts = excluded.accounts, gone_through = default, rescheduled = default,
    last_account_id = default, left_over = default, ended_at = default;
  perform app_private.ensure_job('reschedule_accounts', '{}', 'reschedule_accounts');
  return v_accounts;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.still_need_owner(p_runs json)
 RETURNS uuid[]
 LANGUAGE sql
 STABLE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(array_agg(a.id), '{}')
  from json_to_recordset(p_runs) as r ("accountId" uuid, "dataAsOf" timestamptz)
  join app_public.accounts a on a.id = r."accountId"
  join app_private.auth_episodes e on e.account_id = a.id and e.recovered_at is null
  cross join lateral (select coalesce(e.reopened_at, e.detected_at) as at) found
  where a.platform_source = 'mono' and a.sync_status = 'auth_required'
    and a.linked_at < found.at and coalesce(r."dataAsOf" < found.at, true)
    and not app_private.consent_was_renewed(a.id);
$function$;

CREATE OR REPLACE FUNCTION app_private.stop_worker(p_worker text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_reclaimed integer;
begin
  delete from app_private.workers where worker_id = p_worker;
  -- Accounts before jobs: beat() says why.
  v_reclaimed := app_private.reclaim_runs(array[p_worker]);
  perform app_private.free_deliveries(array[p_worker]);
  perform graphile_worker.force_unlock_workers(array[p_worker]);
  return v_reclaimed;
end
$function$;
grant execute on function app_private.stop_worker(text) to app_worker;

CREATE OR REPLACE FUNCTION app_private.store_renewed_key(p_holder uuid, p_keys json, p_external_id text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_held uuid[];
begin
  select array_agg(held.account_id) into v_held
  from (
    select l.account_id from app_private.links l where l.key_renewal = p_holder order by l.account_id for no key update
  ) held;

  update app_private.credentials c
  set key_id = k."keyId", sealed = decode(k.sealed, 'base64'), updated_at = now()
  from json_to_recordset(p_keys) as k ("accountId" uuid, "keyId" text, sealed text)
  where c.account_id = k."accountId" and c.kind = 'momo_api_key' and c.account_id = any (v_held);
  update app_public.accounts a
  set mtn_reference_id = p_external_id
  where a.id = any (v_held) and a.mtn_reference_id <> p_external_id;
  update app_private.links l
  set key_renewal = null, key_renewal_until = null, key_renewed_at = app_private.clock()
  where l.account_id = any (v_held);
  return coalesce(cardinality(v_held), 0);
end
$function$;
grant execute on function app_private.store_renewed_key(uuid,json,text) to app_worker;

CREATE OR REPLACE FUNCTION app_private.store_wallet_token(p_wallet_key text, p_key_id text, p_sealed bytea, p_expires_at timestamp with time zone)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app_private.wallet_tokens as t (wallet_key, key_id, sealed, expires_at)
  values (p_wallet_key, p_key_id, p_sealed, p_expires_at)
  on conflict (wallet_key) do update
  set key_id = excluded.key_id, sealed = excluded.sealed, expires_at = excluded.expires_at
  where t.expires_at <= excluded.expires_at;
$function$;
grant execute on function app_private.store_wallet_token(text,text,bytea,timestamp with time zone) to app_worker;

CREATE OR REPLACE FUNCTION app_private.suspend_syncs(p_runs json)
 RETURNS TABLE(account_id uuid, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
 SET plan_cache_mode TO 'force_generic_plan'
 SET enable_seqscan TO 'off'
 SET jit TO 'off'
 SET enable_hashjoin TO 'off'
 SET enable_mergejoin TO 'off'
AS $function$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_suspended jsonb;
  v_specs graphile_worker.job_spec[];
begin
  with runs as (
    select *
    from json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint, epoch integer, until timestamptz, state jsonb)
  ),
  let_go as (
    update app_private.sync_states s
    set held_by = null, next_sync_at = r.until, enqueued_until = null, provider_state = r.state
    from runs r
    where s.account_id = r."accountId" and s.run_id = r."runId" and s.epoch = r.epoch and s.held_by is not null
    returning s.account_id, s.run_id, s.platform_source, r.until
  )
  select
    jsonb_object_agg(g.account_id, true),
    array_agg((
      p.task_identifier,
      json_build_object('accountId', g.account_id, 'runId', g.run_id::text),
      null, now() + (g.until - v_now), 3, 'sync:' || g.account_id, 0, null
    )::graphile_worker.job_spec) filter (where g.until < v_now + interval '1 minute')
  into v_suspended, v_specs
  from let_go g
  join app_private.platforms p on p.platform_source = g.platform_source;

  if v_specs is not null then
    perform graphile_worker.add_jobs(v_specs);
  end if;
  perform app_private.wake_suspended(array(select k::uuid from jsonb_object_keys(v_suspended) k));
  perform app_private.announce('runs', (
    select array_agg(jsonb_build_array(l.account_id, l.user_id, l.id::text))
    from json_to_recordset(p_runs) as r ("accountId" uuid, "runId" bigint)
    join app_public.sync_logs l on l.id = r."runId" and l.account_id = r."accountId"
    where v_suspended ? r."accountId"::text
  ));

  return query
    select r."accountId", case when v_suspended ? r."accountId"::text then 'ok' else 'lost' end
    from json_to_recordset(p_runs) as r ("accountId" uuid);
end
$function$;
grant execute on function app_private.suspend_syncs(json) to app_worker;

CREATE OR REPLACE FUNCTION app_private.sync_interval(p_admin_account interval, p_admin_platform interval, p_user interval, p_activity smallint, p_default interval)
 RETURNS interval
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select coalesce(
    p_admin_account,
    p_admin_platform,
    p_user,
    p_default * case when p_activity is null or p_activity >= 12 then 1 when p_activity >= 2 then 2 else 3 end
  );
$function$;

CREATE OR REPLACE FUNCTION app_private.teach_quota(p_platform app_public.platform_source, p_retry_after interval)
 RETURNS void
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  update app_private.quotas
  set learned = case
      when refused_at > clock_timestamp() - interval '1 second' then learned
      -- What had grown back since the last lesson counts.
      else greatest(0.05, 0.7 * least(1, learned + coalesce(extract(epoch from clock_timestamp() - refused_at) / 60 * 0.05, 1)))
    end,
    refused_at = clock_timestamp(),
    blocked_until = greatest(
      blocked_until, clock_timestamp() + least(greatest(p_retry_after, interval '1 second'), interval '10 minutes'))
  where platform_source = p_platform;
$function$;
grant execute on function app_private.teach_quota(app_public.platform_source,interval) to app_service;
grant execute on function app_private.teach_quota(app_public.platform_source,interval) to app_worker;

CREATE OR REPLACE FUNCTION app_private.tell_episodes(p_account_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with untold as (
    select e.id, e.account_id, a.user_id, a.platform_source
    from app_private.auth_episodes e
    join app_public.accounts a on a.id = e.account_id
    where e.account_id = any (p_account_ids) and e.recovered_at is null and e.told_at is null and a.unlinked_at is null
      and not app_private.is_down(e.account_id)
  ),
  told as (
    insert into app_public.notifications (user_id, account_id, platform_source, kind, episode_id, created_at)
    select u.user_id, u.account_id, u.platform_source, 'reauth_required', u.id, app_private.clock()
    from untold u
    on conflict (episode_id, kind) where episode_id is not null do nothing
  )
  update app_private.auth_episodes e
  set told_at = app_private.clock()
  from untold u
  where e.id = u.id;
$function$;

CREATE OR REPLACE FUNCTION app_private.tell_failing(p_account_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  with failing as (
    select s.account_id, a.user_id, s.platform_source, s.last_failure_kind
    from app_private.sync_states s
    join app_public.accounts a on a.id = s.account_id
    join app_private.platforms p on p.platform_source = s.platform_source
    left join app_public.sync_settings u on u.user_id = a.user_id and u.platform_source = s.platform_source
    where s.account_id = any (p_account_ids) and s.failing_told_at is null and a.unlinked_at is null
      and s.failing_since <= app_private.clock()
        - 3 * app_private.sync_interval(s.admin_interval, p.admin_interval, u.sync_interval, s.activity, p.default_interval)
      and not app_private.is_down(s.account_id)
  ),
  noted as (
    update app_private.sync_states s
    set failing_told_at = app_private.clock()
    from failing f
    where s.account_id = f.account_id
  )
  insert into app_public.notifications (user_id, account_id, platform_source, kind, params, created_at)
  select f.user_id, f.account_id, f.platform_source, 'sync_failing',
    jsonb_build_object('failureKind', f.last_failure_kind), app_private.clock()
  from failing f;
$function$;

CREATE OR REPLACE FUNCTION app_private.tell_outage(p_account_ids uuid[])
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app_public.notifications (user_id, platform_source, kind, incident_id, params, created_at)
  select distinct on (a.user_id, i.id) a.user_id, i.platform_source, 'provider_down'::app_public.notification_kind, i.id,
    case when i.institution_code = '' then '{}' else jsonb_strip_nulls(jsonb_build_object('institution', a.institution)) end,
    app_private.clock()
  from app_public.accounts a
  join app_private.links l on l.account_id = a.id
  cross join lateral (
    -- The wider one, where two are open.
    select o.*
    from app_private.incidents o
    where o.platform_source = a.platform_source and o.institution_code in (l.institution_code, '') and o.closed_at is null
    order by o.institution_code
    limit 1
  ) i
  where a.id = any (p_account_ids) and a.unlinked_at is null
    and not exists (
      select
      from app_public.notifications n
      join app_private.incidents k on k.id = n.incident_id
      where n.user_id = a.user_id and k.platform_source = i.platform_source and k.closed_at is null
        and (k.institution_code = i.institution_code or '' in (k.institution_code, i.institution_code))
    )
  on conflict (incident_id, user_id, kind) where incident_id is not null do nothing;
$function$;

CREATE OR REPLACE FUNCTION app_private.tell_restored(p_incident_id bigint)
 RETURNS void
 LANGUAGE sql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  insert into app_public.notifications (user_id, platform_source, kind, incident_id, params, created_at)
  select n.user_id, n.platform_source, 'provider_recovered', n.incident_id, n.params, app_private.clock()
  from app_public.notifications n
  where n.incident_id = p_incident_id and n.kind = 'provider_down'
  on conflict (incident_id, user_id, kind) where incident_id is not null do nothing;
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_accounts__announce()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.announce('accounts', (select array_agg(jsonb_build_array(c.id, c.user_id)) from changed c));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_accounts__mirror_tags()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.mark_tags_stale(new.user_id);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_notifications__announce()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.announce('notifications', (
    select array_agg(jsonb_build_array(c.account_id, c.user_id, c.id::text)) from changed c
  ));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_notifications__deliver()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_ids uuid[];
begin
  insert into app_private.deliveries (notification_id, user_id, channel, created_at, expires_at, outcome, finished_at)
  select n.id, n.user_id, 'in_app', n.created_at, n.created_at, 'delivered', n.created_at
  from told n;

  with pushed as (
    insert into app_private.deliveries (notification_id, user_id, channel, subscription_id, created_at, next_attempt_at, expires_at)
    select n.id, n.user_id, t.channel, t.subscription_id, n.created_at,
      coalesce(case when c.quiet_hours then app_private.quiet_until(first.at, c.quiet_from, c.quiet_to, c.time_zone) end, first.at),
      -- The word that a link needs its owner is worth more than news.
      n.created_at + case when n.kind in ('reauth_required', 'reauth_reminder') then interval '3 days' else interval '1 day' end
    from told n
    join app_private.platforms p on p.platform_source = n.platform_source
    cross join lateral app_private.notification_choice(n.user_id) c
    left join app_private.incidents i on i.id = n.incident_id
    left join app_public.sync_settings s on s.user_id = n.user_id and s.platform_source = n.platform_source
    cross join lateral (
      select 'onesignal'::app_public.notification_channel, null::bigint
      union all
      select 'web_push', b.id from app_public.push_subscriptions b where b.user_id = n.user_id
    ) as t (channel, subscription_id)
    left join app_public.notification_channels w
      on w.user_id = n.user_id and w.platform_source = n.platform_source and w.channel = t.channel
    cross join lateral (
      select case when n.kind = 'provider_down' then greatest(n.created_at, i.opened_at + p.outage_push_after) else n.created_at end
    ) as first (at)
    where not c.paused and coalesce(s.notifications_enabled, true) and coalesce(w.enabled, true)
      and (n.kind <> 'provider_recovered' or exists (
        select
        from app_public.notifications o
        join app_private.deliveries d on d.notification_id = o.id
        where o.incident_id = n.incident_id and o.user_id = n.user_id and o.kind = 'provider_down'
          and d.channel = t.channel and d.subscription_id is not distinct from t.subscription_id and d.outcome = 'delivered'
      ))
    returning id
  )
  select array_agg(id) into v_ids from pushed;
  perform app_private.enqueue_deliveries(v_ids);
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_sync_logs__announce()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.announce('runs', (select array_agg(jsonb_build_array(c.account_id, c.user_id, c.id::text)) from changed c));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.tg_transactions__announce()
 RETURNS trigger
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.announce('transactions', (
    select array_agg(jsonb_build_array(n.account_id, n.user_id, n.first::text, n.last::text))
    from (
      select c.account_id, c.user_id, min(c.id) as first, max(c.id) as last from changed c group by c.account_id, c.user_id
    ) n
  ));
  return null;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.track_reference(p_account_id uuid, p_reference_id uuid, p_operation text DEFAULT 'requesttopay'::text, p_requested_at timestamp with time zone DEFAULT NULL::timestamp with time zone, p_base_url text DEFAULT NULL::text, p_target_environment text DEFAULT NULL::text)
 RETURNS boolean
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_next_poll_at timestamptz;
  v record;
begin
  select a.platform_source, l.base_url, l.target_environment into v
  from app_public.accounts a
  join app_private.links l on l.account_id = a.id
  where a.id = p_account_id and a.unlinked_at is null;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  if v.platform_source <> 'mtn_momo' or coalesce(p_base_url, v.base_url) is null then
    raise exception 'References can be tracked for MoMo wallets only.' using errcode = 'LNKNV';
  end if;
  v_next_poll_at := coalesce(p_requested_at, v_now) + app_private.reference_poll_delay(0);

  insert into app_private.tracked_references
    (reference_id, account_id, operation, base_url, target_environment, requested_at, next_poll_at)
  values (
    p_reference_id, p_account_id, p_operation, coalesce(p_base_url, v.base_url),
    coalesce(p_target_environment, v.target_environment), coalesce(p_requested_at, v_now), v_next_poll_at
  )
  on conflict (reference_id) do nothing;
  if not found then
    if not exists (
      select from app_private.tracked_references t where t.reference_id = p_reference_id and t.account_id = p_account_id
    ) then
      raise exception 'The reference is followed for another account.' using errcode = 'REFTK';
    end if;
    return false;
  end if;
  update app_private.sync_states s
  set next_sync_at = least(s.next_sync_at, v_next_poll_at)
  where s.account_id = p_account_id;
  return true;
end
$function$;
grant execute on function app_private.track_reference(uuid,uuid,text,timestamp with time zone,text,text) to app_service;
grant execute on function app_private.track_reference(uuid,uuid,text,timestamp with time zone,text,text) to app_worker;

CREATE OR REPLACE FUNCTION app_private.trip_breakers(p_failures json)
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
begin
  with failed as (
    select f."accountId" as account_id, s.platform_source, scope.institution_code,
      case scope.institution_code when '' then 10 else 5 end as threshold
    from json_to_recordset(p_failures) as f ("accountId" uuid, kind app_public.failure_kind)
    join app_private.sync_states s on s.account_id = f."accountId"
    join app_private.links l on l.account_id = f."accountId"
    cross join lateral (
      select l.institution_code where l.institution_code is not null and f.kind in ('transient', 'provider_down')
      union all
      select '' where f.kind = 'provider_down'
    ) scope
  ),
  grouped as (
    select platform_source, institution_code, threshold, array_agg(account_id) as accounts
    from failed
    group by platform_source, institution_code, threshold
    order by platform_source, institution_code
  )
  insert into app_private.breakers as b (platform_source, institution_code, failed_accounts)
  select platform_source, institution_code, accounts[1:threshold] from grouped
  on conflict (platform_source, institution_code) do update
  set failed_accounts = (
      select (array_agg(distinct id))[1:10] from unnest(b.failed_accounts || excluded.failed_accounts) id
    ),
    probes = case when b.opened_at is null then 0 else b.probes + 1 end,
    next_probe_at = case when b.opened_at is not null then
      v_now + least(interval '30 minutes', interval '1 minute' * 2 ^ least(b.probes + 1, 5)) end;

  with opened as (
    update app_private.breakers b
    set opened_at = v_now, next_probe_at = v_now + interval '1 minute'
    where b.opened_at is null
      and cardinality(b.failed_accounts) >= case b.institution_code when '' then 10 else 5 end
    returning b.platform_source, b.institution_code
  )
  insert into app_private.incidents (platform_source, institution_code, opened_at)
  select o.platform_source, o.institution_code, v_now from opened o
  on conflict (platform_source, institution_code) where closed_at is null do nothing;

  -- Those who failed now, and those who failed before it was known why.
  perform app_private.tell_outage(array(
    select f."accountId" from json_to_recordset(p_failures) as f ("accountId" uuid)
    union
    select unnest(b.failed_accounts) from app_private.breakers b where b.opened_at = v_now
  ));
end
$function$;

CREATE OR REPLACE FUNCTION app_private.unlink_accounts(p_account_ids uuid[])
 RETURNS TABLE(account_id uuid, outcome text)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
#variable_conflict use_column
declare
  v_ended uuid[] := app_private.end_links(p_account_ids, 'backend');
begin
  perform app_private.ensure_job('unlink_account', json_build_object('accountId', e.id), 'unlink:' || e.id)
  from unnest(v_ended) as e (id);
  return query
    select r.id, case when r.id = any (v_ended) then 'unlinked' when a.id is not null then 'was_unlinked' else 'not_found' end
    from (select distinct unnest(p_account_ids) as id) r
    left join app_public.accounts a on a.id = r.id
    order by r.id;
end
$function$;
grant execute on function app_private.unlink_accounts(uuid[]) to app_service;

CREATE OR REPLACE FUNCTION app_private.update_statistics()
 RETURNS TABLE(runs_folded integer, more boolean, accounts_counted integer, gaps_found integer)
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
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
$function$;
grant execute on function app_private.update_statistics() to app_worker;

CREATE OR REPLACE FUNCTION app_private.wake_suspended(p_account_ids uuid[])
 RETURNS void
 LANGUAGE plpgsql
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_account_id uuid;
begin
  for v_account_id in
    with heard as (
      update app_private.webhooks w
      set outcome = 'resumed'
      from app_public.sync_logs l
      where w.account_id = any (p_account_ids) and w.outcome = 'run_held'
        and l.account_id = w.account_id and l.status = 'in_progress' and w.received_at >= l.sync_started_at
      returning w.account_id
    )
    select distinct h.account_id from heard h
  loop
    perform app_private.resume_run(v_account_id);
  end loop;
end
$function$;

CREATE OR REPLACE FUNCTION app_private.wallet_token(p_wallet_key text)
 RETURNS TABLE(key_id text, sealed bytea, expires_in_seconds double precision)
 LANGUAGE sql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select t.key_id, t.sealed, extract(epoch from t.expires_at - app_private.clock())::double precision
  from app_private.wallet_tokens t
  where t.wallet_key = p_wallet_key and t.expires_at > app_private.clock() + interval '10 minutes';
$function$;
grant execute on function app_private.wallet_token(text) to app_worker;

CREATE OR REPLACE FUNCTION app_private.webhook_meaning(p_event text, p_status text, p_data_status text, p_sync_status text, p_job_id text, p_has_new_data boolean)
 RETURNS text
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select case p_event
    when 'mono.events.account_updated' then case
      when p_sync_status in ('REAUTHORISATION_REQUIRED', 'REAUTHORIZATION_REQUIRED') then 'consent_ended'
      when p_sync_status = 'FAILED' or p_data_status = 'FAILED' then 'refresh_failed'
      when p_data_status = 'PROCESSING' then 'nothing'
      when p_job_id is not null and not coalesce(p_has_new_data, false) then 'refresh_over'
      else 'news'
    end
    when 'mono.accounts.jobs.update' then case p_status
      when 'finished' then 'refresh_over'
      when 'failed' then 'refresh_failed'
      else 'nothing'
    end
    when 'mono.events.account_reauthorized' then 'consent_renewed'
    when 'mono.events.reauthorisation_required' then 'consent_ended'
    when 'mono.events.sync_failed' then 'refresh_failed'
    when 'mono.events.account_connected' then 'nothing'
    when 'mono.events.account_unlinked' then 'gone'
    when 'momo.callback' then 'payment'
    else 'unknown'
  end;
$function$;

CREATE OR REPLACE FUNCTION app_private.window_forecast(p_platform app_public.platform_source)
 RETURNS TABLE(window_starts_at timestamp with time zone, window_ends_at timestamp with time zone, accounts_due bigint, accounts_per_second double precision, window_capacity bigint, projected_finish timestamp with time zone, at_risk boolean)
 LANGUAGE plpgsql
 STABLE SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  p app_private.platforms;
  q app_private.quotas;
  v_requests double precision;
  v_observed double precision;
  v_late bigint;
begin
  select * into p from app_private.platforms where platform_source = p_platform;
  select * into q from app_private.quotas where platform_source = p_platform;
  select min(d.starts_at) into window_starts_at
  from (
    select ((v_now at time zone p.time_zone)::date + n + make_interval(hours => p.preferred_hour)) at time zone p.time_zone as starts_at
    from generate_series(-1, 1) n
  ) d
  where d.starts_at + p.sync_window > v_now;
  window_ends_at := window_starts_at + p.sync_window;

  select greatest(1, coalesce(sum(r.requests)::double precision / nullif(sum(r.runs), 0), 2)) into v_requests
  from app_private.run_rollups r
  where r.grain = interval '1 hour' and r.starts_at > v_now - interval '1 day' and r.platform_source = p_platform
    and r.outcome = 'success';
  -- Three whole spans of five minutes, and what there is of the present one.
  select coalesce(sum(r.runs), 0) / extract(epoch from v_now - date_bin('5 minutes', v_now, timestamptz '2000-01-01 00:00:00+00')
    + interval '15 minutes') into v_observed
  from app_private.run_rollups r
  where r.grain = interval '5 minutes' and r.platform_source = p_platform
    and r.starts_at >= date_bin('5 minutes', v_now, timestamptz '2000-01-01 00:00:00+00') - interval '15 minutes';
  select coalesce(sum(c.late), 0) into v_late from app_private.account_counts c where c.platform_source = p_platform;

  if q.requests is not null then
    select c.slots * c.permits / extract(epoch from q.per) * (1 - q.reserve) / v_requests into accounts_per_second
    from app_private.quota_slots(greatest(3, q.requests * app_private.quota_learned(q))) c;
  else
    accounts_per_second := 100;
  end if;
  window_capacity := floor(accounts_per_second * extract(epoch from p.sync_window));
  if v_late > 60 * accounts_per_second then
    accounts_per_second := least(accounts_per_second, v_observed);
  end if;

  select coalesce(sum(u.accounts), 0) into accounts_due
  from app_private.upcoming_counts u
  where u.platform_source = p_platform and u.starts_at < window_ends_at;
  if accounts_due = 0 then
    projected_finish := window_starts_at;
  elsif accounts_per_second <= 0 or accounts_due / accounts_per_second > 31536000 or p.paused_until = 'infinity' then
    projected_finish := 'infinity';
  else
    select max(greatest(w.starts_at, p.paused_until) + make_interval(secs => w.work / accounts_per_second)) into projected_finish
    from (
      select greatest(u.starts_at, c.counted_at) as starts_at,
        (sum(u.accounts) over (order by u.starts_at desc))::double precision as work
      from app_private.upcoming_counts u
      cross join (select max(c.counted_at) from app_private.account_counts c where c.platform_source = p_platform) c (counted_at)
      where u.platform_source = p_platform and u.starts_at < window_ends_at
    ) w;
  end if;
  at_risk := projected_finish > window_ends_at;
  return next;
end
$function$;
grant execute on function app_private.window_forecast(app_public.platform_source) to app_admin;

-- ---------------------------------------------------------------------------------------------------- app_admin

create schema app_admin;
grant usage on schema app_admin to app_admin;

create view app_admin.admin_actions with (security_barrier=true) as
 SELECT id,
    done_at,
    done_by,
    action,
    platform_source,
    institution_code,
    user_id,
    account_id,
    reason,
    before,
    after
   FROM app_private.admin_actions a;
comment on view app_admin.admin_actions is 'Who changed what, when and why?';
grant select on app_admin.admin_actions to app_admin;

create view app_admin.auth_episodes with (security_barrier=true) as
 SELECT e.id,
    e.account_id,
    a.platform_source,
    l.institution_code,
        CASE
            WHEN e.recovered_at IS NULL AND e.tapped_at IS NOT NULL THEN 'tapped'::text
            WHEN e.recovered_at IS NULL AND e.told_at IS NOT NULL THEN 'told'::text
            WHEN e.recovered_at IS NULL THEN 'detected'::text
            WHEN e.closed_by = 'unlinked'::text THEN 'unlinked'::text
            ELSE 'recovered'::text
        END AS state,
    e.detected_at,
    e.told_at,
    d.pushed_at,
    e.reminded_at,
    e.tapped_at,
        CASE
            WHEN e.closed_by IS DISTINCT FROM 'unlinked'::text THEN e.recovered_at
            ELSE NULL::timestamp with time zone
        END AS recovered_at,
    e.relapses,
    d.pushed_at - e.told_at AS told_to_pushed,
    e.tapped_at - e.told_at AS told_to_tapped,
        CASE
            WHEN e.closed_by IS DISTINCT FROM 'unlinked'::text THEN e.recovered_at - e.tapped_at
            ELSE NULL::interval
        END AS tapped_to_recovered,
        CASE
            WHEN e.closed_by IS DISTINCT FROM 'unlinked'::text THEN e.recovered_at - e.detected_at
            ELSE NULL::interval
        END AS took,
        CASE
            WHEN e.recovered_at IS NULL THEN app_private.clock() - e.detected_at
            ELSE NULL::interval
        END AS waiting_for
   FROM app_private.auth_episodes e
     JOIN app_public.accounts a ON a.id = e.account_id
     JOIN app_private.links l ON l.account_id = e.account_id
     LEFT JOIN LATERAL ( SELECT min(d_1.finished_at) AS pushed_at
           FROM app_public.notifications n
             JOIN app_private.deliveries d_1 ON d_1.notification_id = n.id
          WHERE n.episode_id = e.id AND d_1.channel <> 'in_app'::app_public.notification_channel AND d_1.outcome = 'delivered'::text) d ON true
  ORDER BY e.id DESC;
comment on view app_admin.auth_episodes is 'How long do people take to come back?';
grant select on app_admin.auth_episodes to app_admin;

create view app_admin.coverage_gaps with (security_barrier=true) as
 SELECT g.account_id,
    a.platform_source,
    l.institution_code,
    g.source,
    g.from_day,
    g.to_day,
    g.missing_days,
    a.sync_status,
    a.last_synced_at,
    s.failures,
    s.last_failure_kind,
    s.next_sync_at
   FROM app_private.coverage_gaps g
     JOIN app_public.accounts a ON a.id = g.account_id
     JOIN app_private.links l ON l.account_id = g.account_id
     JOIN app_private.sync_states s ON s.account_id = g.account_id;
comment on view app_admin.coverage_gaps is 'Which accounts lack days they should have?';
grant select on app_admin.coverage_gaps to app_admin;

create view app_admin.deliveries with (security_barrier=true) as
 SELECT c.channel,
    COALESCE(o.open, 0::bigint) AS open,
    COALESCE(o.overdue, 0::bigint) AS overdue,
    (( SELECT app_private.clock() AS clock)) - o.oldest AS oldest_overdue,
    COALESCE(o.retrying, 0::bigint) AS retrying,
    COALESCE(r.finished, 0::numeric) AS finished,
    r.outcomes,
    r.delivered::double precision / NULLIF(r.delivered + r.failed, 0::numeric)::double precision AS delivered_share,
    r.p95,
    COALESCE(o.needs_operator, 0::bigint) AS needs_operator,
    o.problem
   FROM unnest(enum_range(NULL::app_public.notification_channel)) c(channel)
     LEFT JOIN ( SELECT d.channel,
            count(*) AS open,
            count(*) FILTER (WHERE d.next_attempt_at <= (( SELECT app_private.clock() AS clock))) AS overdue,
            min(d.next_attempt_at) FILTER (WHERE d.next_attempt_at <= (( SELECT app_private.clock() AS clock))) AS oldest,
            count(*) FILTER (WHERE d.attempts > 0) AS retrying,
            count(*) FILTER (WHERE d.needs_operator) AS needs_operator,
            min(d.reason) FILTER (WHERE d.needs_operator) AS problem
           FROM app_private.deliveries d
          WHERE d.outcome IS NULL
          GROUP BY d.channel) o ON o.channel = c.channel
     LEFT JOIN ( SELECT d.channel,
            sum(d.n) AS finished,
            jsonb_object_agg(d.outcome, d.n) AS outcomes,
            COALESCE(sum(d.n) FILTER (WHERE d.outcome = 'delivered'::text), 0::numeric) AS delivered,
            COALESCE(sum(d.n) FILTER (WHERE d.outcome = ANY (ARRAY['unreachable'::text, 'refused'::text, 'expired'::text])), 0::numeric) AS failed,
            max(d.p95) FILTER (WHERE d.outcome = 'delivered'::text) AS p95
           FROM ( SELECT d_1.channel,
                    d_1.outcome,
                    count(*) AS n,
                    percentile_disc(0.95::double precision) WITHIN GROUP (ORDER BY (d_1.finished_at - d_1.created_at)) AS p95
                   FROM ( SELECT n_1.id
                           FROM app_public.notifications n_1
                          ORDER BY n_1.id DESC
                         LIMIT 2000) n
                     JOIN app_private.deliveries d_1 ON d_1.notification_id = n.id
                  WHERE d_1.outcome IS NOT NULL
                  GROUP BY d_1.channel, d_1.outcome) d
          GROUP BY d.channel) r ON r.channel = c.channel;
comment on view app_admin.deliveries is 'Do notifications arrive, channel by channel? What is on its way, and what became of the newest 2,000 notifications.';
grant select on app_admin.deliveries to app_admin;

create view app_admin.failing_accounts with (security_barrier=true) as
 SELECT s.account_id,
    s.platform_source,
    l.institution_code,
    s.failures,
    s.last_failure_kind,
    r.error_message,
    r.platform_specific_error,
    a.sync_status,
    a.last_synced_at,
    s.next_sync_at AS next_try_at
   FROM app_private.sync_states s
     JOIN app_public.accounts a ON a.id = s.account_id
     JOIN app_private.links l ON l.account_id = s.account_id
     LEFT JOIN LATERAL ( SELECT r_1.error_message,
            r_1.platform_specific_error
           FROM app_public.sync_logs r_1
          WHERE r_1.account_id = a.id AND r_1.user_id = a.user_id AND r_1.status <> 'in_progress'::app_public.sync_log_status
          ORDER BY r_1.id DESC
         LIMIT 1) r ON true
  WHERE s.failures > 0 AND a.unlinked_at IS NULL;
comment on view app_admin.failing_accounts is 'Which accounts fail, why, and when are they tried again?';
grant select on app_admin.failing_accounts to app_admin;

create view app_admin.incidents with (security_barrier=true) as
 SELECT i.id,
    i.platform_source,
    i.institution_code,
    i.opened_at,
    i.closed_at,
    COALESCE(i.closed_at, ( SELECT app_private.clock() AS clock)) - i.opened_at AS lasted,
    b.probes,
    b.next_probe_at,
        CASE
            WHEN i.closed_at IS NULL THEN ( SELECT sum(c.failing) AS sum
               FROM app_private.account_counts c
              WHERE c.platform_source = i.platform_source AND (i.institution_code = c.institution_code OR i.institution_code = ''::text))
            ELSE NULL::bigint
        END AS failing_accounts,
    e.error_message AS last_error,
    e.platform_specific_error AS last_code
   FROM app_private.incidents i
     LEFT JOIN app_private.breakers b ON i.closed_at IS NULL AND b.platform_source = i.platform_source AND b.institution_code = i.institution_code
     LEFT JOIN LATERAL ( SELECT r.error_message,
            r.platform_specific_error
           FROM app_public.accounts a
             JOIN app_public.sync_logs r ON r.account_id = a.id AND r.user_id = a.user_id AND r.failure_kind IS NOT NULL
          WHERE a.id = b.failed_accounts[1]
          ORDER BY r.id DESC
         LIMIT 1) e ON true;
comment on view app_admin.incidents is 'Which outages are there, and were there?';
grant select on app_admin.incidents to app_admin;

create view app_admin.institution_health with (security_barrier=true) as
 SELECT COALESCE(c.platform_source, h.platform_source) AS platform_source,
    COALESCE(c.institution_code, h.institution_code) AS institution_code,
        CASE
            WHEN z.until > now.at THEN 'paused'::text
            WHEN b.opened_at IS NOT NULL THEN 'down'::text
            WHEN h.runs_1h >= 5::numeric AND h.successes_1h < (0.9 * h.runs_1h) THEN 'failing'::text
            ELSE 'ok'::text
        END AS verdict,
    c.accounts,
    c.failing,
    c.late,
    c.stale,
    c.needs_owner,
    h.successes_1h::double precision / NULLIF(h.runs_1h, 0::numeric)::double precision AS success_rate_1h,
    h.successes::double precision / NULLIF(h.runs, 0::numeric)::double precision AS success_rate_24h,
    h.main_failure AS main_failure_1h,
    COALESCE(h.runs, 0::numeric) AS runs_24h,
    COALESCE(h.transactions, 0::numeric) AS transactions_24h,
    b.opened_at AS down_since,
    b.next_probe_at,
        CASE
            WHEN z.until > now.at THEN z.until
            ELSE NULL::timestamp with time zone
        END AS paused_until,
        CASE
            WHEN z.until > now.at THEN z.reason
            ELSE NULL::text
        END AS paused_reason
   FROM app_private.account_counts c
     FULL JOIN ( SELECT r.platform_source,
            r.institution_code,
            sum(r.runs) FILTER (WHERE r.grain = '01:00:00'::interval AND r.outcome <> 'interrupted'::text) AS runs,
            sum(r.runs) FILTER (WHERE r.grain = '01:00:00'::interval AND r.outcome = 'success'::text) AS successes,
            sum(r.transactions) FILTER (WHERE r.grain = '01:00:00'::interval) AS transactions,
            COALESCE(sum(r.runs) FILTER (WHERE r.grain = '00:05:00'::interval AND r.outcome <> 'interrupted'::text), 0::numeric) AS runs_1h,
            COALESCE(sum(r.runs) FILTER (WHERE r.grain = '00:05:00'::interval AND r.outcome = 'success'::text), 0::numeric) AS successes_1h,
            (array_agg(r.outcome ORDER BY r.runs DESC, r.outcome) FILTER (WHERE r.grain = '00:05:00'::interval AND (r.outcome <> ALL (ARRAY['success'::text, 'interrupted'::text]))))[1] AS main_failure
           FROM ( SELECT r_1.platform_source,
                    r_1.institution_code,
                    r_1.grain,
                    r_1.outcome,
                    sum(r_1.runs) AS runs,
                    sum(r_1.transactions) AS transactions
                   FROM app_private.run_rollups r_1
                  WHERE r_1.grain = '01:00:00'::interval AND r_1.starts_at > (app_private.clock() - '1 day'::interval)
                  GROUP BY r_1.platform_source, r_1.institution_code, r_1.grain, r_1.outcome
                UNION ALL
                 SELECT r_1.platform_source,
                    r_1.institution_code,
                    r_1.grain,
                    r_1.outcome,
                    sum(r_1.runs) AS sum,
                    sum(r_1.transactions) AS sum
                   FROM app_private.run_rollups r_1
                  WHERE r_1.grain = '00:05:00'::interval AND r_1.starts_at > (app_private.clock() - '01:00:00'::interval)
                  GROUP BY r_1.platform_source, r_1.institution_code, r_1.grain, r_1.outcome) r
          GROUP BY r.platform_source, r.institution_code) h ON h.platform_source = c.platform_source AND h.institution_code = c.institution_code
     CROSS JOIN ( SELECT app_private.clock() AS clock) now(at)
     LEFT JOIN app_private.breakers b ON b.platform_source = COALESCE(c.platform_source, h.platform_source) AND b.institution_code = COALESCE(c.institution_code, h.institution_code)
     LEFT JOIN app_private.pauses z ON z.platform_source = COALESCE(c.platform_source, h.platform_source) AND z.institution_code = COALESCE(c.institution_code, h.institution_code);
comment on view app_admin.institution_health is 'Which bank is failing, and how?';
grant select on app_admin.institution_health to app_admin;

create view app_admin.late_accounts with (security_barrier=true) as
 SELECT s.account_id,
    s.platform_source,
    l.institution_code,
    s.next_sync_at AS due_since,
    (( SELECT app_private.clock() AS clock)) - s.next_sync_at AS late_by,
        CASE
            WHEN p.paused_until > (( SELECT app_private.clock() AS clock)) THEN 'platform paused: '::text || COALESCE(p.paused_reason, 'no reason given'::text)
            WHEN a.paused_at IS NOT NULL THEN 'account paused'::text
            WHEN z.reason IS NOT NULL THEN z.reason
            WHEN w.why = 'running'::text AND s.held_by IS NULL THEN 'waiting for the provider'::text
            WHEN b.next_probe_at > (( SELECT app_private.clock() AS clock)) THEN 'provider down'::text
            ELSE w.why
        END AS why,
    s.failures,
    s.last_failure_kind
   FROM ( SELECT s_1.account_id,
            'not dispatched yet'::text AS why
           FROM app_private.platforms p_1
             JOIN app_private.sync_states s_1 ON s_1.platform_source = p_1.platform_source AND GREATEST(s_1.next_sync_at, s_1.enqueued_until) <= app_private.clock()
          WHERE s_1.run_id IS NULL
        UNION ALL
         SELECT s_1.account_id,
            'in the queue'::text
           FROM graphile_worker._private_jobs j
             CROSS JOIN LATERAL ( SELECT s_2.account_id,
                    s_2.run_id,
                    s_2.enqueued_until
                   FROM app_private.sync_states s_2
                  WHERE s_2.account_id =
                        CASE
                            WHEN j.key ~ '^sync:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'::text THEN substr(j.key, 6)::uuid
                            ELSE NULL::uuid
                        END
                 OFFSET 0) s_1
          WHERE s_1.run_id IS NULL AND s_1.enqueued_until > (( SELECT app_private.clock() AS clock))
        UNION ALL
         SELECT s_1.account_id,
            'running'::text
           FROM app_public.sync_logs r
             JOIN app_private.sync_states s_1 ON s_1.account_id = r.account_id AND s_1.run_id = r.id
          WHERE r.status = 'in_progress'::app_public.sync_log_status
        UNION ALL
         SELECT a_1.id,
            'account paused'::text
           FROM app_public.accounts a_1
             JOIN app_private.sync_states s_1 ON s_1.account_id = a_1.id
          WHERE a_1.paused_at IS NOT NULL AND s_1.run_id IS NULL AND s_1.enqueued_until > (( SELECT app_private.clock() AS clock))) w
     JOIN app_private.sync_states s ON s.account_id = w.account_id
     JOIN app_public.accounts a ON a.id = s.account_id
     JOIN app_private.links l ON l.account_id = s.account_id
     JOIN app_private.platforms p ON p.platform_source = s.platform_source
     LEFT JOIN LATERAL ( SELECT
                CASE
                    WHEN z_1.user_id IS NULL THEN 'institution paused: '::text
                    ELSE 'user paused: '::text
                END || z_1.reason AS reason
           FROM app_private.pauses z_1
          WHERE z_1.until > (( SELECT app_private.clock() AS clock)) AND (z_1.user_id = a.user_id OR z_1.platform_source = a.platform_source AND z_1.institution_code = l.institution_code)
         LIMIT 1) z ON true
     LEFT JOIN LATERAL ( SELECT max(b_1.next_probe_at) AS next_probe_at
           FROM app_private.breakers b_1
          WHERE b_1.platform_source = s.platform_source AND (b_1.institution_code = ANY (ARRAY[l.institution_code, ''::text])) AND b_1.opened_at IS NOT NULL) b ON true
  WHERE s.next_sync_at <= (( SELECT app_private.clock() AS clock)) AND a.unlinked_at IS NULL;
comment on view app_admin.late_accounts is 'Which accounts are late, and why?';
grant select on app_admin.late_accounts to app_admin;

create view app_admin.pauses with (security_barrier=true) as
 SELECT 'platform'::text AS scope,
    p.platform_source,
    NULL::text AS institution_code,
    NULL::uuid AS user_id,
    NULL::uuid AS account_id,
    p.paused_until AS until,
    p.paused_reason AS reason
   FROM app_private.platforms p
  WHERE p.paused_until > (( SELECT app_private.clock() AS clock))
UNION ALL
 SELECT
        CASE
            WHEN z.user_id IS NULL THEN 'institution'::text
            ELSE 'user'::text
        END AS scope,
    z.platform_source,
    z.institution_code,
    z.user_id,
    NULL::uuid AS account_id,
    z.until,
    z.reason
   FROM app_private.pauses z
  WHERE z.until > (( SELECT app_private.clock() AS clock))
UNION ALL
 SELECT 'account'::text AS scope,
    a.platform_source,
    NULL::text AS institution_code,
    a.user_id,
    a.id AS account_id,
    'infinity'::timestamp with time zone AS until,
    NULL::text AS reason
   FROM app_public.accounts a
  WHERE a.paused_at IS NOT NULL AND a.unlinked_at IS NULL;
comment on view app_admin.pauses is 'What is paused, until when, and why?';
grant select on app_admin.pauses to app_admin;

create view app_admin.platform_health with (security_barrier=true) as
 SELECT p.platform_source,
    p.label,
        CASE
            WHEN p.paused_until > now.at THEN 'paused'::text
            WHEN b.opened_at IS NOT NULL THEN 'down'::text
            WHEN p.last_dispatch_at < (clock_timestamp() - '00:03:00'::interval) OR p.last_dispatch_at IS NULL THEN 'not dispatched'::text
            WHEN f.at_risk THEN 'behind'::text
            WHEN c.stale::numeric > (0.05 * (c.accounts - c.paused - c.needs_owner)::numeric) THEN 'stale'::text
            WHEN q.runs > 20::numeric AND q.successes < (0.9 * q.runs) THEN 'failing'::text
            ELSE 'ok'::text
        END AS verdict,
    c.accounts,
    c.paused,
    c.needs_owner,
    c.failing,
    c.late,
    c.stale,
    1::double precision - c.stale::double precision / NULLIF(c.accounts - c.paused - c.needs_owner, 0)::double precision AS freshness,
    q.successes::double precision / NULLIF(q.runs, 0::numeric)::double precision AS success_rate_1h,
    h.successes::double precision / NULLIF(h.runs, 0::numeric)::double precision AS success_rate_24h,
    m.successes::double precision / NULLIF(m.runs, 0::numeric)::double precision AS success_rate_30d,
    app_private.duration_quantile(t.buckets, t.counts, 0.5::double precision) AS p50,
    app_private.duration_quantile(t.buckets, t.counts, 0.95::double precision) AS p95,
    app_private.duration_quantile(t.buckets, t.counts, 0.99::double precision) AS p99,
    COALESCE(h.runs, 0::numeric) AS runs_24h,
    COALESCE(h.interrupted, 0::numeric) AS interrupted_24h,
    COALESCE(h.transactions, 0::numeric) AS transactions_24h,
    COALESCE(h.requests, 0::numeric) AS requests_24h,
    now.at - d.oldest AS waiting_for_dispatch,
    clock_timestamp() - p.last_dispatch_at AS dispatched_ago,
    f.window_ends_at,
    f.projected_finish,
    f.at_risk AS window_at_risk,
        CASE
            WHEN p.paused_until > now.at THEN p.paused_until
            ELSE NULL::timestamp with time zone
        END AS paused_until,
        CASE
            WHEN p.paused_until > now.at THEN p.paused_reason
            ELSE NULL::text
        END AS paused_reason,
    now.at - c.counted_at AS accounts_counted_ago,
    clock_timestamp() - s.runs_folded_at AS runs_counted_ago,
    e.median AS owner_back_median,
    e.p95 AS owner_back_p95
   FROM app_private.platforms p
     CROSS JOIN ( SELECT app_private.clock() AS clock) now(at)
     CROSS JOIN app_private.statistics s
     CROSS JOIN LATERAL app_private.window_forecast(p.platform_source) f(window_starts_at, window_ends_at, accounts_due, accounts_per_second, window_capacity, projected_finish, at_risk)
     LEFT JOIN app_private.breakers b ON b.platform_source = p.platform_source AND b.institution_code = ''::text
     LEFT JOIN LATERAL ( SELECT sum(c_1.accounts) AS accounts,
            sum(c_1.paused) AS paused,
            sum(c_1.needs_owner) AS needs_owner,
            sum(c_1.failing) AS failing,
            sum(c_1.late) AS late,
            sum(c_1.stale) AS stale,
            max(c_1.counted_at) AS counted_at
           FROM app_private.account_counts c_1
          WHERE c_1.platform_source = p.platform_source) c ON true
     LEFT JOIN LATERAL ( SELECT COALESCE(sum(r.runs) FILTER (WHERE r.outcome <> 'interrupted'::text), 0::numeric) AS runs,
            COALESCE(sum(r.runs) FILTER (WHERE r.outcome = 'success'::text), 0::numeric) AS successes,
            COALESCE(sum(r.runs) FILTER (WHERE r.outcome = 'interrupted'::text), 0::numeric) AS interrupted,
            sum(r.transactions) AS transactions,
            sum(r.requests) AS requests
           FROM app_private.run_rollups r
          WHERE r.grain = '01:00:00'::interval AND r.starts_at > (now.at - '1 day'::interval) AND r.platform_source = p.platform_source) h ON true
     LEFT JOIN LATERAL ( SELECT COALESCE(sum(r.runs) FILTER (WHERE r.outcome <> 'interrupted'::text), 0::numeric) AS runs,
            COALESCE(sum(r.runs) FILTER (WHERE r.outcome = 'success'::text), 0::numeric) AS successes
           FROM app_private.run_rollups r
          WHERE r.grain = '00:05:00'::interval AND r.starts_at > (now.at - '01:00:00'::interval) AND r.platform_source = p.platform_source) q ON true
     LEFT JOIN LATERAL ( SELECT array_agg(d_1.duration_bucket ORDER BY d_1.duration_bucket) AS buckets,
            array_agg(d_1.runs ORDER BY d_1.duration_bucket) AS counts
           FROM ( SELECT d_2.duration_bucket,
                    sum(d_2.runs) AS runs
                   FROM app_private.run_durations d_2
                  WHERE d_2.grain = '01:00:00'::interval AND d_2.starts_at > (now.at - '1 day'::interval) AND d_2.platform_source = p.platform_source
                  GROUP BY d_2.duration_bucket) d_1) t ON true
     LEFT JOIN ( SELECT a.platform_source,
            percentile_disc(0.5::double precision) WITHIN GROUP (ORDER BY (e_1.recovered_at - e_1.detected_at)) AS median,
            percentile_disc(0.95::double precision) WITHIN GROUP (ORDER BY (e_1.recovered_at - e_1.detected_at)) AS p95
           FROM ( SELECT n.id,
                    n.account_id,
                    n.detected_at,
                    n.detected_by,
                    n.recovered_at,
                    n.told_at,
                    n.reminded_at,
                    n.tapped_at,
                    n.reopened_at,
                    n.relapses,
                    n.closed_by
                   FROM app_private.auth_episodes n
                  ORDER BY n.id DESC
                 LIMIT 2000) e_1
             CROSS JOIN LATERAL ( SELECT o.platform_source
                   FROM app_public.accounts o
                  WHERE o.id = e_1.account_id
                 OFFSET 0) a
          WHERE e_1.closed_by = 'sync'::text
          GROUP BY a.platform_source) e ON e.platform_source = p.platform_source
     LEFT JOIN LATERAL ( SELECT sum(r.runs) FILTER (WHERE r.outcome <> 'interrupted'::text) AS runs,
            sum(r.runs) FILTER (WHERE r.outcome = 'success'::text) AS successes
           FROM app_private.run_rollups r
          WHERE r.grain = '1 day'::interval AND r.starts_at > (now.at - '30 days'::interval) AND r.platform_source = p.platform_source) m ON true
     LEFT JOIN LATERAL ( SELECT min(GREATEST(s_1.next_sync_at, s_1.enqueued_until)) AS oldest
           FROM app_private.sync_states s_1
          WHERE s_1.platform_source = p.platform_source AND GREATEST(s_1.next_sync_at, s_1.enqueued_until) <= now.at) d ON true;
comment on view app_admin.platform_health is 'Is sync healthy, platform by platform?';
grant select on app_admin.platform_health to app_admin;

create view app_admin.queue with (security_barrier=true) as
 SELECT t.identifier AS task,
    count(*) FILTER (WHERE j.locked_at IS NULL AND j.attempts < j.max_attempts AND j.run_at <= now()) AS ready,
    now() - min(j.run_at) FILTER (WHERE j.locked_at IS NULL AND j.attempts < j.max_attempts AND j.run_at <= now()) AS oldest_ready,
    count(*) FILTER (WHERE j.locked_at IS NOT NULL) AS running,
    now() - min(j.locked_at) AS longest_running,
    count(*) FILTER (WHERE j.locked_at IS NULL AND j.attempts < j.max_attempts AND j.run_at > now()) AS later,
    count(*) FILTER (WHERE j.locked_at IS NULL AND j.attempts > 0 AND j.attempts < j.max_attempts) AS tried_before,
    count(*) FILTER (WHERE j.locked_at IS NULL AND j.attempts >= j.max_attempts) AS dead
   FROM graphile_worker._private_tasks t
     LEFT JOIN graphile_worker._private_jobs j ON j.task_id = t.id
  GROUP BY t.identifier;
comment on view app_admin.queue is 'How deep and how old is the queue, task by task?';
grant select on app_admin.queue to app_admin;

create view app_admin.quota with (security_barrier=true) as
 SELECT q.platform_source,
    q.requests AS limit_requests,
    q.per AS limit_per,
    q.reserve,
    round(app_private.quota_learned(q.*), 3) AS learned,
    round(q.requests::numeric * app_private.quota_learned(q.*) / EXTRACT(epoch FROM q.per), 3) AS allowed_per_second,
    round((c.slots * c.permits)::numeric / EXTRACT(epoch FROM q.per), 3) AS usable_per_second,
    round(r.used_per_second, 3) AS used_per_second,
    round((c.slots * c.permits)::numeric / EXTRACT(epoch FROM q.per) - r.used_per_second, 3) AS left_per_second,
    r.requests_24h,
    q.refused_at AS last_429_at,
        CASE
            WHEN q.blocked_until > clock_timestamp() THEN q.blocked_until
            ELSE NULL::timestamp with time zone
        END AS blocked_until,
    u.refreshes AS refreshes_today,
    p.daily_refresh_cap,
    p.daily_refresh_cap - COALESCE(u.refreshes, 0) AS refreshes_left_today,
    u.cost AS cost_today,
    m.cost AS cost_30d
   FROM app_private.quotas q
     JOIN app_private.platforms p ON p.platform_source = q.platform_source
     CROSS JOIN ( SELECT app_private.clock() AS clock) now(at)
     LEFT JOIN LATERAL app_private.quota_slots(GREATEST(3::numeric, q.requests::numeric * app_private.quota_learned(q.*))) c(slots, permits) ON q.requests IS NOT NULL
     LEFT JOIN app_private.refresh_usage u ON u.platform_source = q.platform_source AND u.day = (now.at AT TIME ZONE p.time_zone)::date
     LEFT JOIN LATERAL ( SELECT sum(m_1.cost) AS cost
           FROM app_private.refresh_usage m_1
          WHERE m_1.platform_source = q.platform_source AND m_1.day > ((now.at AT TIME ZONE p.time_zone)::date - 30)) m ON true
     LEFT JOIN LATERAL ( SELECT COALESCE(sum(r_1.requests) FILTER (WHERE r_1.grain = '01:00:00'::interval), 0::numeric) AS requests_24h,
            COALESCE(sum(r_1.requests) FILTER (WHERE r_1.grain = '00:05:00'::interval), 0::numeric) / EXTRACT(epoch FROM now.at - date_bin('00:05:00'::interval, now.at, '2000-01-01 00:00:00+00'::timestamp with time zone) + '00:15:00'::interval) AS used_per_second
           FROM app_private.run_rollups r_1
          WHERE r_1.platform_source = q.platform_source AND (r_1.grain = '01:00:00'::interval AND r_1.starts_at > (now.at - '1 day'::interval) OR r_1.grain = '00:05:00'::interval AND r_1.starts_at >= (date_bin('00:05:00'::interval, now.at, '2000-01-01 00:00:00+00'::timestamp with time zone) - '00:15:00'::interval))) r ON true;
comment on view app_admin.quota is 'How much of each provider''s quota is used and left, and what did it cost?';
grant select on app_admin.quota to app_admin;

create view app_admin.reschedulings with (security_barrier=true) as
 SELECT platform_source,
    requested_at,
    accounts,
    gone_through,
    rescheduled,
    cardinality(left_over) AS locked,
    ended_at,
        CASE
            WHEN ended_at IS NULL AND gone_through > 0 THEN now() + (now() - requested_at) * (GREATEST(accounts - gone_through, 0)::double precision / gone_through::double precision)
            ELSE NULL::timestamp with time zone
        END AS expected_end
   FROM app_private.reschedulings r;
comment on view app_admin.reschedulings is 'How far has a change of a platform''s interval or sync window reached its accounts? `rescheduled` are those whose time is new: accounts that are due, at work or wait out a failure follow with their next run. `locked` have another turn.';
grant select on app_admin.reschedulings to app_admin;

create view app_admin.retention with (security_barrier=true) as
 SELECT subject,
    keep,
    at_least,
    pruned_at,
    pruned
   FROM app_private.retention r;
comment on view app_admin.retention is 'How long is what kept, and when was it last pruned?';
grant select on app_admin.retention to app_admin;

create view app_admin.run_history with (security_barrier=true) as
 SELECT (r.starts_at AT TIME ZONE 'utc'::text)::date AS day,
    r.platform_source,
    r.runs,
    r.successes::double precision / NULLIF(r.runs, 0::numeric)::double precision AS success_rate,
    app_private.duration_quantile(d.buckets, d.counts, 0.5::double precision) AS p50,
    app_private.duration_quantile(d.buckets, d.counts, 0.95::double precision) AS p95,
    r.transactions,
    r.requests
   FROM ( SELECT r_1.starts_at,
            r_1.platform_source,
            sum(r_1.runs) AS runs,
            COALESCE(sum(r_1.runs) FILTER (WHERE r_1.outcome = 'success'::text), 0::numeric) AS successes,
            sum(r_1.transactions) AS transactions,
            sum(r_1.requests) AS requests
           FROM app_private.run_rollups r_1
          WHERE r_1.grain = '1 day'::interval AND r_1.outcome <> 'interrupted'::text
          GROUP BY r_1.starts_at, r_1.platform_source) r
     LEFT JOIN ( SELECT d_1.starts_at,
            d_1.platform_source,
            array_agg(d_1.duration_bucket ORDER BY d_1.duration_bucket) AS buckets,
            array_agg(d_1.runs::numeric ORDER BY d_1.duration_bucket) AS counts
           FROM app_private.run_durations d_1
          WHERE d_1.grain = '1 day'::interval
          GROUP BY d_1.starts_at, d_1.platform_source) d ON d.starts_at = r.starts_at AND d.platform_source = r.platform_source;
comment on view app_admin.run_history is 'How did syncs go, day by day?';
grant select on app_admin.run_history to app_admin;

create view app_admin.sync_windows with (security_barrier=true) as
 SELECT p.platform_source,
    f.window_starts_at,
    f.window_ends_at,
    f.accounts_due,
    f.window_capacity,
    f.accounts_per_second,
    f.projected_finish,
    f.at_risk,
        CASE
            WHEN NOT f.at_risk THEN NULL::text
            WHEN p.paused_until >= f.window_ends_at THEN 'the platform is paused: '::text || COALESCE(p.paused_reason, 'no reason given'::text)
            WHEN f.accounts_due > f.window_capacity THEN 'the quota is too small for the accounts that are due'::text
            WHEN f.accounts_per_second = 0::double precision THEN 'no run has ended in the last quarter of an hour'::text
            ELSE 'runs take too long, or there are too few workers'::text
        END AS why
   FROM app_private.platforms p
     CROSS JOIN LATERAL app_private.window_forecast(p.platform_source) f(window_starts_at, window_ends_at, accounts_due, accounts_per_second, window_capacity, projected_finish, at_risk);
comment on view app_admin.sync_windows is 'Will each platform finish within its sync window, and if not, what is too small?';
grant select on app_admin.sync_windows to app_admin;

create view app_admin.upcoming with (security_barrier=true) as
 SELECT platform_source,
    starts_at,
    COALESCE(sum(accounts) FILTER (WHERE kind = 'scheduled'::text), 0::bigint) AS scheduled,
    COALESCE(sum(accounts) FILTER (WHERE kind = 'retry'::text), 0::bigint) AS retries,
    COALESCE(sum(accounts) FILTER (WHERE kind = 'waiting'::text), 0::bigint) AS waiting
   FROM app_private.upcoming_counts u
  GROUP BY platform_source, starts_at;
comment on view app_admin.upcoming is 'What will happen next? Scheduled syncs, retries, and runs that wait for their provider, in quarters of an hour.';
grant select on app_admin.upcoming to app_admin;

create view app_admin.webhook_inbox with (security_barrier=true) as
 SELECT p.platform_source,
    i.unread,
    (( SELECT app_private.clock() AS clock)) - i.oldest AS oldest_unread,
    (( SELECT app_private.clock() AS clock)) - (( SELECT w.received_at
           FROM app_private.webhooks w
          WHERE w.platform_source = p.platform_source
          ORDER BY w.received_at DESC
         LIMIT 1)) AS last_received_ago,
    r.received_10min,
    r.outcomes_10min
   FROM app_private.platforms p
     LEFT JOIN LATERAL ( SELECT count(*) AS unread,
            min(w.received_at) AS oldest
           FROM app_private.webhooks w
          WHERE w.outcome IS NULL AND w.platform_source = p.platform_source) i ON true
     LEFT JOIN LATERAL ( SELECT sum(o.n) AS received_10min,
            jsonb_object_agg(o.outcome, o.n) AS outcomes_10min
           FROM ( SELECT COALESCE(w.outcome, 'unread'::text) AS outcome,
                    count(*) AS n
                   FROM app_private.webhooks w
                  WHERE w.received_at > (app_private.clock() - '00:10:00'::interval) AND w.platform_source = p.platform_source
                  GROUP BY (COALESCE(w.outcome, 'unread'::text))) o) r ON true;
comment on view app_admin.webhook_inbox is 'Are webhooks coming in, and is anybody reading them?';
grant select on app_admin.webhook_inbox to app_admin;

create view app_admin.workers with (security_barrier=true) as
 SELECT w.worker_id,
    w.runner,
    w.beat_at > (clock_timestamp() - '00:00:20'::interval) AS alive,
    clock_timestamp() - w.beat_at AS beat_ago,
    clock_timestamp() - w.started_at AS up_for,
    COALESCE(r.runs, 0::bigint) AS runs,
    r.longest AS longest_run,
    COALESCE(j.jobs, 0::bigint) AS jobs
   FROM app_private.workers w
     LEFT JOIN ( SELECT s.held_by,
            count(*) AS runs,
            (( SELECT app_private.clock() AS clock)) - min(l.sync_started_at) AS longest
           FROM app_public.sync_logs l
             CROSS JOIN LATERAL ( SELECT h.held_by
                   FROM app_private.sync_states h
                  WHERE h.account_id = l.account_id AND h.run_id = l.id
                 OFFSET 0) s
          WHERE l.status = 'in_progress'::app_public.sync_log_status AND s.held_by IS NOT NULL
          GROUP BY s.held_by) r ON r.held_by = w.worker_id
     LEFT JOIN ( SELECT j_1.locked_by,
            count(*) AS jobs
           FROM graphile_worker._private_jobs j_1
          WHERE j_1.locked_by IS NOT NULL
          GROUP BY j_1.locked_by) j ON j.locked_by = w.worker_id;
comment on view app_admin.workers is 'Which workers are alive, and what do they hold?';
grant select on app_admin.workers to app_admin;

CREATE OR REPLACE FUNCTION app_admin.backfill_account(p_account_id uuid, p_from date, p_reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_today date;
  v_before jsonb;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  select (v_now at time zone l.time_zone)::date into v_today from app_private.links l where l.account_id = p_account_id;
  if p_from is null or p_from > v_today or p_from < v_today - 3660 then
    raise exception 'A backfill begins on a day of the last ten years.' using errcode = 'SETNV';
  end if;
  select jsonb_object_agg(c.source, jsonb_build_object('history_start', c.history_start, 'settled', c.settled)) into v_before
  from app_private.coverage c
  where c.account_id = p_account_id;
  if v_before is null then
    raise exception 'The account has no source that lists transactions.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'backfill_account', p_reason, v_before, jsonb_build_object('from', p_from), p_account_id => p_account_id);
  update app_private.coverage c
  set history_start = least(c.history_start, p_from), settled = c.settled - datemultirange(daterange(p_from, null))
  where c.account_id = p_account_id;
  -- A run that is open has its windows already: the next one reads these.
  update app_private.sync_states s
  set next_sync_at = v_now, enqueued_until = null
  where s.account_id = p_account_id and s.run_id is null;
  if found then
    perform app_private.queue_sync(p_account_id, 'manual', true);
  end if;
  return v_today - p_from + 1;
end
$function$;
grant execute on function app_admin.backfill_account(uuid,date,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.change_quota(p_platform app_public.platform_source, p_reason text, p_requests integer DEFAULT NULL::integer, p_per interval DEFAULT NULL::interval, p_reserve numeric DEFAULT NULL::numeric)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  q app_private.quotas;
begin
  perform app_private.require_platform(p_platform);
  if p_requests is null and p_per is null and p_reserve is null then
    raise exception 'Say what to change: how many requests, in how long, or the reserve.' using errcode = 'SETNV';
  end if;
  if p_requests < 3 or p_requests > 1000000 then
    raise exception 'A limit lies between 3 and 1,000,000 requests: a smaller one could not be kept for certain. Choose a longer window instead.'
      using errcode = 'SETNV';
  end if;
  if p_per < interval '100 milliseconds' or p_per > interval '1 day' then
    raise exception 'A window lies between 100 milliseconds and a day.' using errcode = 'SETNV';
  end if;
  if p_reserve < 0 or p_reserve > 0.9 then
    raise exception 'The reserve is a share between 0 and 0.9.' using errcode = 'SETNV';
  end if;
  select * into q from app_private.quotas where platform_source = p_platform for update;
  if coalesce(p_requests, q.requests) is null then
    raise exception 'The platform has no limit yet: say how many requests.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'change_quota', p_reason,
    jsonb_build_object('requests', q.requests, 'per', q.per, 'reserve', q.reserve),
    jsonb_build_object('requests', coalesce(p_requests, q.requests), 'per', coalesce(p_per, q.per),
      'reserve', coalesce(p_reserve, q.reserve)),
    p_platform => p_platform);
  update app_private.quotas
  set requests = coalesce(p_requests, requests), per = coalesce(p_per, per), reserve = coalesce(p_reserve, reserve),
    learned = case when p_requests is null and p_per is null then learned else 1 end,
    blocked_until = case when p_requests is null and p_per is null then blocked_until end
  where platform_source = p_platform;
end
$function$;
grant execute on function app_admin.change_quota(app_public.platform_source,text,integer,interval,numeric) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.change_refresh_cap(p_platform app_public.platform_source, p_cap integer, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  if p_cap < 0 then
    raise exception 'A cap is 0 refreshes a day or more; null lifts it.' using errcode = 'SETNV';
  end if;
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  if p.refresh_price is null then
    raise exception 'The platform charges for no refreshes, and none are counted.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'change_refresh_cap', p_reason, jsonb_build_object('cap', p.daily_refresh_cap), jsonb_build_object('cap', p_cap),
    p_platform => p_platform);
  update app_private.platforms set daily_refresh_cap = p_cap where platform_source = p_platform;
end
$function$;
grant execute on function app_admin.change_refresh_cap(app_public.platform_source,integer,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.change_retention(p_subject text, p_keep interval, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_keep interval := nullif(p_keep, interval '0');
  r app_private.retention;
begin
  select * into r from app_private.retention where subject = p_subject for no key update;
  if r.subject is null then
    raise exception 'There is no such kind of thing; app_admin.retention lists them.' using errcode = 'NTFND';
  end if;
  if v_keep < r.at_least then
    raise exception 'Keep % for % at least.', p_subject, r.at_least using errcode = 'SETNV';
  end if;
  -- What no calendar can subtract would end every night's pruning, of all kinds.
  if v_keep > interval '100 years' then
    raise exception 'Say null to keep % for ever; a time to keep them is 100 years at most.', p_subject using errcode = 'SETNV';
  end if;
  perform app_private.note_admin_action(
    'change_retention', p_reason, jsonb_build_object('subject', p_subject, 'keep', r.keep),
    jsonb_build_object('subject', p_subject, 'keep', v_keep));
  update app_private.retention set keep = v_keep where subject = p_subject;
end
$function$;
grant execute on function app_admin.change_retention(text,interval,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.change_sync_window(p_platform app_public.platform_source, p_reason text, p_preferred_hour integer DEFAULT NULL::integer, p_window interval DEFAULT NULL::interval, p_time_zone text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  if p_preferred_hour is null and p_window is null and p_time_zone is null then
    raise exception 'Say what to change: the preferred hour, the window''s length or the time zone.' using errcode = 'SETNV';
  end if;
  if p_preferred_hour not between 0 and 23 then
    raise exception 'The preferred hour lies between 0 and 23.' using errcode = 'SETNV';
  end if;
  if p_window < interval '15 minutes' or p_window > interval '24 hours' then
    raise exception 'A sync window lasts between 15 minutes and 24 hours.' using errcode = 'SETNV';
  end if;
  if p_time_zone is not null and not exists (select from pg_catalog.pg_timezone_names z where z.name = p_time_zone) then
    raise exception 'The time zone must be an IANA name, such as Africa/Lagos.' using errcode = 'SETNV';
  end if;
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  perform app_private.note_admin_action(
    'change_sync_window', p_reason,
    jsonb_build_object('preferred_hour', p.preferred_hour, 'window', p.sync_window, 'time_zone', p.time_zone),
    jsonb_build_object('preferred_hour', coalesce(p_preferred_hour, p.preferred_hour), 'window', coalesce(p_window, p.sync_window),
      'time_zone', coalesce(p_time_zone, p.time_zone)),
    p_platform => p_platform);
  update app_private.platforms
  set preferred_hour = coalesce(p_preferred_hour, preferred_hour), sync_window = coalesce(p_window, sync_window),
    time_zone = coalesce(p_time_zone, time_zone)
  where platform_source = p_platform;
  return app_private.start_rescheduling(p_platform);
end
$function$;
grant execute on function app_admin.change_sync_window(app_public.platform_source,text,integer,interval,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.close_incident(p_incident_id bigint, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  i app_private.incidents;
begin
  select * into i from app_private.incidents where id = p_incident_id;
  if i.id is null then
    raise exception 'There is no such incident.' using errcode = 'NTFND';
  end if;
  if i.closed_at is not null then
    raise exception 'The incident has ended already.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'close_incident', p_reason, jsonb_build_object('id', i.id, 'opened_at', i.opened_at),
    p_platform => i.platform_source, p_institution => i.institution_code);
  perform app_private.close_breaker(i.platform_source, i.institution_code);
  perform app_private.dispatch_soon(i.platform_source);
end
$function$;
grant execute on function app_admin.close_incident(bigint,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.count_now()
 RETURNS TABLE(runs_folded integer, accounts_counted integer, gaps_found integer)
 LANGUAGE sql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
  select (select f.folded from app_private.fold_runs(100000) f), app_private.count_accounts(), app_private.find_coverage_gaps();
$function$;
grant execute on function app_admin.count_now() to app_admin;

CREATE OR REPLACE FUNCTION app_admin.erase_user(p_user_id uuid, p_reason text)
 RETURNS uuid
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_receipt uuid;
begin
  if not exists (select from app_public.accounts a where a.user_id = p_user_id)
    and not exists (select from app_public.sync_settings s where s.user_id = p_user_id)
    and not exists (select from app_public.notifications n where n.user_id = p_user_id)
  then
    raise exception 'Nothing is stored of such a user.' using errcode = 'NTFND';
  end if;
  v_receipt := app_private.erase_user(p_user_id);
  perform app_private.note_admin_action('erase_user', p_reason, p_after => jsonb_build_object('receipt', v_receipt));
  return v_receipt;
end
$function$;
grant execute on function app_admin.erase_user(uuid,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.lift_quota(p_platform app_public.platform_source, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  q app_private.quotas;
begin
  perform app_private.require_platform(p_platform);
  select * into q from app_private.quotas where platform_source = p_platform for update;
  perform app_private.note_admin_action(
    'lift_quota', p_reason, jsonb_build_object('requests', q.requests, 'per', q.per, 'reserve', q.reserve), p_platform => p_platform);
  update app_private.quotas set requests = null where platform_source = p_platform;
end
$function$;
grant execute on function app_admin.lift_quota(app_public.platform_source,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.override_account_interval(p_account_id uuid, p_interval interval, p_reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before interval := (select s.admin_interval from app_private.sync_states s where s.account_id = p_account_id);
begin
  perform app_private.check_sync_interval(p_interval);
  update app_private.sync_states set admin_interval = p_interval where account_id = p_account_id;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;
  perform app_private.note_admin_action(
    'override_account_interval', p_reason, jsonb_build_object('interval', v_before), jsonb_build_object('interval', p_interval),
    p_account_id => p_account_id);
  return app_private.reschedule(array[p_account_id]);
end
$function$;
grant execute on function app_admin.override_account_interval(uuid,interval,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.override_platform_interval(p_platform app_public.platform_source, p_interval interval, p_reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before interval := (select p.admin_interval from app_private.platforms p where p.platform_source = p_platform);
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_sync_interval(p_interval);
  perform app_private.note_admin_action(
    'override_platform_interval', p_reason, jsonb_build_object('interval', v_before), jsonb_build_object('interval', p_interval),
    p_platform => p_platform);
  update app_private.platforms set admin_interval = p_interval where platform_source = p_platform;
  return app_private.start_rescheduling(p_platform);
end
$function$;
grant execute on function app_admin.override_platform_interval(app_public.platform_source,interval,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.pause_account(p_account_id uuid, p_reason text)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_since timestamptz;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  perform app_private.note_admin_action('pause_account', p_reason, p_account_id => p_account_id);
  update app_public.accounts
  set paused_at = coalesce(paused_at, app_private.clock())
  where id = p_account_id
  returning paused_at into v_since;
  -- Out of the dispatcher's sight; a run that is open ends first.
  update app_private.sync_states set enqueued_until = 'infinity' where account_id = p_account_id and run_id is null;
  return v_since;
end
$function$;
grant execute on function app_admin.pause_account(uuid,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.pause_institution(p_platform app_public.platform_source, p_institution text, p_reason text, p_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_accounts uuid[] := app_private.accounts_of_institution(p_platform, p_institution);
  v_before timestamptz;
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_pause_end(p_until);
  perform app_private.require_institution(p_platform, p_institution);
  select z.until into v_before
  from app_private.pauses z
  where z.platform_source = p_platform and z.institution_code = p_institution;
  perform app_private.note_admin_action(
    'pause_institution', p_reason, jsonb_build_object('until', v_before), jsonb_build_object('until', p_until),
    p_platform => p_platform, p_institution => p_institution);
  insert into app_private.pauses (platform_source, institution_code, until, reason)
  values (p_platform, p_institution, p_until, trim(p_reason))
  on conflict on constraint pauses_institution_key do update set until = excluded.until, reason = excluded.reason;
  -- A shorter pause than before: who was put off to the old end comes back.
  if v_before > p_until then
    perform app_private.release_paused(v_accounts);
  end if;
  return cardinality(v_accounts);
end
$function$;
grant execute on function app_admin.pause_institution(app_public.platform_source,text,text,timestamp with time zone) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.pause_platform(p_platform app_public.platform_source, p_reason text, p_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone)
 RETURNS timestamp with time zone
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  perform app_private.check_pause_end(p_until);
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  perform app_private.note_admin_action(
    'pause_platform', p_reason, jsonb_build_object('until', p.paused_until), jsonb_build_object('until', p_until),
    p_platform => p_platform);
  update app_private.platforms set paused_until = p_until, paused_reason = trim(p_reason) where platform_source = p_platform;
  return p_until;
end
$function$;
grant execute on function app_admin.pause_platform(app_public.platform_source,text,timestamp with time zone) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.pause_user(p_user_id uuid, p_reason text, p_until timestamp with time zone DEFAULT 'infinity'::timestamp with time zone)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_accounts uuid[] := app_private.accounts_of_user(p_user_id);
  v_before timestamptz := (select z.until from app_private.pauses z where z.user_id = p_user_id);
begin
  perform app_private.check_pause_end(p_until);
  if cardinality(v_accounts) = 0 then
    raise exception 'There is no such user with a linked account.' using errcode = 'NTFND';
  end if;
  perform app_private.note_admin_action(
    'pause_user', p_reason, jsonb_build_object('until', v_before), jsonb_build_object('until', p_until), p_user_id => p_user_id);
  insert into app_private.pauses (user_id, until, reason)
  values (p_user_id, p_until, trim(p_reason))
  on conflict on constraint pauses_user_key do update set until = excluded.until, reason = excluded.reason;
  if v_before > p_until then
    perform app_private.release_paused(v_accounts);
  end if;
  return cardinality(v_accounts);
end
$function$;
grant execute on function app_admin.pause_user(uuid,text,timestamp with time zone) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.resume_account(p_account_id uuid, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_since timestamptz;
begin
  perform from app_private.sync_states s where s.account_id = p_account_id for no key update;
  perform app_private.require_linked(p_account_id);
  select a.paused_at into v_since from app_public.accounts a where a.id = p_account_id;
  if v_since is null then
    raise exception 'The account is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_account', p_reason, jsonb_build_object('paused_at', v_since), p_account_id => p_account_id);
  update app_public.accounts set paused_at = null where id = p_account_id;
  perform app_private.release_paused(array[p_account_id]);
end
$function$;
grant execute on function app_admin.resume_account(uuid,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.resume_institution(p_platform app_public.platform_source, p_institution text, p_reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before app_private.pauses;
begin
  perform app_private.require_platform(p_platform);
  delete from app_private.pauses z
  where z.platform_source = p_platform and z.institution_code = p_institution
  returning * into v_before;
  if coalesce(v_before.until <= app_private.clock(), true) then
    raise exception 'The institution is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_institution', p_reason, jsonb_build_object('until', v_before.until, 'reason', v_before.reason),
    p_platform => p_platform, p_institution => p_institution);
  perform app_private.dispatch_soon(p_platform);
  return app_private.release_paused(app_private.accounts_of_institution(p_platform, p_institution));
end
$function$;
grant execute on function app_admin.resume_institution(app_public.platform_source,text,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.resume_platform(p_platform app_public.platform_source, p_reason text)
 RETURNS void
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  p app_private.platforms;
begin
  perform app_private.require_platform(p_platform);
  select * into p from app_private.platforms where platform_source = p_platform for no key update;
  if coalesce(p.paused_until <= app_private.clock(), true) then
    raise exception 'The platform is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_platform', p_reason, jsonb_build_object('until', p.paused_until, 'reason', p.paused_reason), p_platform => p_platform);
  update app_private.platforms set paused_until = null, paused_reason = null where platform_source = p_platform;
  perform app_private.dispatch_soon(p_platform);
end
$function$;
grant execute on function app_admin.resume_platform(app_public.platform_source,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.resume_user(p_user_id uuid, p_reason text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_before app_private.pauses;
begin
  delete from app_private.pauses z where z.user_id = p_user_id returning * into v_before;
  if coalesce(v_before.until <= app_private.clock(), true) then
    raise exception 'The user is not paused.' using errcode = 'OPSNP';
  end if;
  perform app_private.note_admin_action(
    'resume_user', p_reason, jsonb_build_object('until', v_before.until, 'reason', v_before.reason), p_user_id => p_user_id);
  return app_private.release_paused(app_private.accounts_of_user(p_user_id));
end
$function$;
grant execute on function app_admin.resume_user(uuid,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.retry_account(p_account_id uuid, p_reason text)
 RETURNS app_public.sync_request
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
begin
  perform app_private.require_linked(p_account_id);
  perform app_private.note_admin_action('retry_account', p_reason, p_account_id => p_account_id);
  return app_private.queue_sync(p_account_id, 'manual', true);
end
$function$;
grant execute on function app_admin.retry_account(uuid,text) to app_admin;

CREATE OR REPLACE FUNCTION app_admin.retry_failing(p_platform app_public.platform_source, p_reason text, p_institution text DEFAULT NULL::text)
 RETURNS integer
 LANGUAGE plpgsql
 SECURITY DEFINER
 SET search_path TO 'pg_catalog', 'pg_temp'
AS $function$
declare
  v_now timestamptz := app_private.clock();
  v_accounts uuid[];
begin
  perform app_private.require_platform(p_platform);
  if p_institution is not null then
    perform app_private.require_institution(p_platform, p_institution);
  end if;
  perform app_private.note_admin_action('retry_failing', p_reason, p_platform => p_platform, p_institution => p_institution);
  v_accounts := array(
    select s.account_id
    from app_private.sync_states s
    join app_private.links l on l.account_id = s.account_id
    where s.platform_source = p_platform and s.failures > 0 and s.run_id is null and s.next_sync_at > v_now
      and s.next_sync_at < 'infinity' and (p_institution is null or l.institution_code = p_institution)
    -- A row that is locked has its run opened or closed at this very moment.
    for no key update of s skip locked
  );
  update app_private.sync_states s
  set next_sync_at = least(s.next_sync_at,
    v_now + interval '1 minute' * (cardinality(v_accounts) / 1000 * app_private.stable_jitter(s.account_id::text)))
  where s.account_id = any (v_accounts);
  perform app_private.dispatch_soon(p_platform);
  return cardinality(v_accounts);
end
$function$;
grant execute on function app_admin.retry_failing(app_public.platform_source,text,text) to app_admin;
