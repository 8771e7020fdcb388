-- notifications: a person's feed. A row is written in the transaction of the state change that it tells of.
create type app_public.notification_kind as enum (
  'reauth_required', 'reauth_reminder', 'recovered', 'sync_failing', 'provider_down', 'provider_recovered'
);
create table app_public.notifications (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  -- Null: about a platform, not one account.
  account_id uuid,
  platform_source app_public.platform_source not null,
  kind app_public.notification_kind not null,
  episode_id bigint references app_private.auth_episodes on delete set null,
  -- What the template of the kind needs, in the reader's language when it is read. No personal data.
  params jsonb not null default '{}' constraint notifications_params check (jsonb_typeof(params) = 'object'),
  created_at timestamptz not null,
  read_at timestamptz,
  constraint notifications_account foreign key (account_id, user_id)
    references app_public.accounts (id, user_id) on delete cascade
) with (fillfactor = 90);
alter table app_public.notifications enable row level security;
-- A user's feed, newest first, and how much of it is unread.
create index notifications_user_id_idx on app_public.notifications (user_id, id desc);
create index notifications_unread_idx on app_public.notifications (user_id) where read_at is null;
create index notifications_account_id_idx on app_public.notifications (account_id, user_id);
create index notifications_episode_id_idx on app_public.notifications (episode_id) where episode_id is not null;

-- A user's transactions of all accounts, by day. Only new rows pay for it: a quiet sync writes none.
create index transactions_user_day_idx on app_public.transactions (user_id, occurred_on);

-- What the API answers beyond rows of tables.
create type app_public.day_span as (from_day date, to_day date);
create type app_public.sync_phase as enum (
  'never_synced', 'up_to_date', 'queued', 'running', 'waiting', 'retrying', 'needs_you', 'provider_down', 'paused', 'unlinked'
);
create type app_public.account_sync_state as (
  phase app_public.sync_phase,
  next_sync_at timestamptz,
  waiting_until timestamptz,
  cooling_down_until timestamptz,
  retrying_at timestamptz,
  provider_down_until timestamptz,
  paused_until timestamptz,
  failures integer,
  last_failure_kind app_public.failure_kind,
  run_started_at timestamptz,
  run_pages integer,
  run_transactions integer,
  windows_left integer,
  open_references integer,
  history_start date,
  settled app_public.day_span[],
  gaps app_public.day_span[]
);
create type app_public.platform_status as (
  platform_source app_public.platform_source,
  label text,
  synced_via text,
  accounts integer,
  active_accounts integer,
  auth_required_accounts integer,
  error_accounts integer,
  running_accounts integer,
  last_synced_at timestamptz,
  last_sync_attempt timestamptz,
  next_sync_at timestamptz,
  success_rate double precision,
  median_duration_seconds double precision,
  paused_until timestamptz,
  provider_down_until timestamptz
);
create type app_public.account_sync_request as (
  account_id uuid, outcome app_public.sync_request_outcome, until timestamptz
);

-- Events: one NOTIFY a statement, ids only. Triggers are state and their functions behaviour: these bodies only hold the
-- place until db/functions is applied, at the end of this very migrate.
create function app_private.tg_accounts__announce() returns trigger language plpgsql as 'begin return null; end';
create function app_private.tg_sync_logs__announce() returns trigger language plpgsql as 'begin return null; end';
create function app_private.tg_transactions__announce() returns trigger language plpgsql as 'begin return null; end';
create function app_private.tg_notifications__announce() returns trigger language plpgsql as 'begin return null; end';

-- Postgres allows a transition table to one event at a time.
create trigger _900_announce_insert after insert on app_public.accounts
  referencing new table as changed for each statement execute function app_private.tg_accounts__announce();
create trigger _900_announce_update after update on app_public.accounts
  referencing new table as changed for each statement execute function app_private.tg_accounts__announce();
create trigger _900_announce_delete after delete on app_public.accounts
  referencing old table as changed for each statement execute function app_private.tg_accounts__announce();
create trigger _900_announce_insert after insert on app_public.sync_logs
  referencing new table as changed for each statement execute function app_private.tg_sync_logs__announce();
create trigger _900_announce_update after update on app_public.sync_logs
  referencing new table as changed for each statement execute function app_private.tg_sync_logs__announce();
create trigger _900_announce_insert after insert on app_public.transactions
  referencing new table as changed for each statement execute function app_private.tg_transactions__announce();
create trigger _900_announce_insert after insert on app_public.notifications
  referencing new table as changed for each statement execute function app_private.tg_notifications__announce();
