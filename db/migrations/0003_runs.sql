-- sync_logs: one row a run. The partial unique index on open runs *is* the mutual exclusion of syncs.
create table app_public.sync_logs (
  id bigint generated always as identity primary key,
  account_id uuid not null,
  user_id uuid not null,
  -- No foreign key: every run would lock the one platforms row.
  platform_source app_public.platform_source not null,
  trigger app_public.sync_trigger not null default 'schedule',
  status app_public.sync_log_status not null default 'in_progress',
  sync_started_at timestamptz not null,
  sync_completed_at timestamptz,
  transactions_synced integer not null default 0,
  pages integer not null default 0,
  seen_count integer not null default 0,
  new_count integer not null default 0,
  changed_count integer not null default 0,
  unchanged_count integer not null default 0,
  removed_count integer not null default 0,
  refused_count integer not null default 0,
  -- {"missing_id": 2}: why rows were refused.
  refusals jsonb,
  -- [{"source": "mono", "from": "2026-01-08", "to": "2026-01-20", "pages": 1, "complete": true}]
  windows jsonb,
  requests integer not null default 0,
  failure_kind app_public.failure_kind,
  error_message text constraint sync_logs_error_message check (length(error_message) <= 300),
  platform_specific_error text constraint sync_logs_platform_specific_error check (length(platform_specific_error) <= 200),
  next_sync_at timestamptz,
  constraint sync_logs_account foreign key (account_id, user_id)
    references app_public.accounts (id, user_id) on delete cascade,
  constraint sync_logs_closed check ((status = 'in_progress') = (sync_completed_at is null)),
  constraint sync_logs_failure check ((status in ('failed', 'auth_error')) = (failure_kind is not null))
) with (fillfactor = 85);
alter table app_public.sync_logs enable row level security;
create unique index sync_logs_open_run_key on app_public.sync_logs (account_id) where status = 'in_progress';
-- An account's history, newest first.
create index sync_logs_account_id_idx on app_public.sync_logs (account_id, user_id, id desc);

comment on table app_public.sync_logs is 'One attempt to bring an account up to date: what was looked at, found, changed and refused, and when the next one comes.';
comment on column app_public.sync_logs.transactions_synced is 'New and changed transactions.';
comment on column app_public.sync_logs.platform_specific_error is 'The provider''s own code, redacted.';
comment on column app_public.sync_logs.failure_kind is 'Null for a success. interrupted counts in no failure rate.';
comment on column app_public.sync_logs.refusals is 'Rows the provider sent that could not be trusted, counted by reason.';
comment on column app_public.sync_logs.windows is 'The days that were asked for, with pages and whether they were complete.';

-- What request_sync() answers.
create type app_public.sync_request_outcome as enum (
  'queued', 'already_running', 'cooling_down', 'needs_you', 'paused', 'provider_down'
);
create type app_public.sync_request as (outcome app_public.sync_request_outcome, until timestamptz);
comment on type app_public.sync_request is 'The answer to a request for a sync now, and until when it stands.';

-- idempotency_keys: what a user's "Sync now" was answered, for 24 hours.
create table app_private.idempotency_keys (
  user_id uuid not null,
  idempotency_key text not null constraint idempotency_keys_length check (length(idempotency_key) between 8 and 200),
  account_id uuid not null references app_public.accounts on delete cascade,
  outcome app_public.sync_request_outcome not null,
  until timestamptz,
  created_at timestamptz not null,
  primary key (user_id, idempotency_key)
);
alter table app_private.idempotency_keys enable row level security;
create index idempotency_keys_account_id_idx on app_private.idempotency_keys (account_id);
create index idempotency_keys_created_at_idx on app_private.idempotency_keys (created_at);

-- auth_episodes: one stretch of auth_required, from detection to recovery.
create table app_private.auth_episodes (
  id bigint generated always as identity primary key,
  account_id uuid not null references app_public.accounts on delete cascade,
  detected_at timestamptz not null,
  detected_by bigint references app_public.sync_logs on delete set null,
  recovered_at timestamptz
);
alter table app_private.auth_episodes enable row level security;
create unique index auth_episodes_open_key on app_private.auth_episodes (account_id) where recovered_at is null;
create index auth_episodes_account_id_idx on app_private.auth_episodes (account_id);
create index auth_episodes_detected_by_idx on app_private.auth_episodes (detected_by);
