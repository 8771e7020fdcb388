-- The vocabulary of the story, as types: the names are a contract.
create type app_public.platform_source as enum ('mono', 'mtn_momo');
create type app_public.account_type as enum ('bank', 'mobile_money');
create type app_public.sync_status as enum ('active', 'auth_required', 'error');
create type app_public.sync_log_status as enum ('in_progress', 'success', 'failed', 'auth_error');
create type app_public.sync_trigger as enum ('schedule', 'user', 'webhook', 'backend', 'manual');
create type app_public.transaction_source as enum ('mono', 'collections', 'statement');
create type app_public.transaction_status as enum ('pending', 'posted', 'failed', 'removed');
create type app_public.transaction_direction as enum ('credit', 'debit');
create type app_public.revision_kind as enum ('changed', 'removed', 'restored', 'reissued');
create type app_public.failure_kind as enum (
  'transient', 'rate_limited', 'auth_required', 'account_gone',
  'provider_down', 'invalid_response', 'configuration', 'interrupted'
);

-- clock_settings: one row. In production the offset is zero for ever; tests and simulators share another one, so that
-- a virtual week can pass in seconds, or stop it altogether, so that a run can be repeated exactly. Heartbeats and run_at
-- are machine time and never look here.
create table app_private.clock_settings (
  only_row boolean primary key default true constraint clock_settings_only_row check (only_row),
  clock_offset interval not null default '0',
  stopped_at timestamptz
);
alter table app_private.clock_settings enable row level security;
insert into app_private.clock_settings default values;

-- platforms: one row a platform, with everything an operator may turn.
create table app_private.platforms (
  platform_source app_public.platform_source primary key,
  -- Says what people read: "Last synced via Mono", "Last synced via MTN MoMo API".
  label text not null,
  task_identifier text not null,
  account_type app_public.account_type not null,
  default_interval interval not null default '1 day',
  -- Beats every user's and account's choice but an account's own admin_interval.
  admin_interval interval,
  -- The sync window: accounts without a hour of their own are spread from preferred_hour over this length.
  preferred_hour smallint not null default 2
    constraint platforms_preferred_hour check (preferred_hour between 0 and 23),
  sync_window interval not null default '4 hours'
    constraint platforms_sync_window check (sync_window between '0' and '24 hours'),
  time_zone text not null,
  -- The least time between two attempts asked for by people. Mono itself grants one real-time session in 5 minutes
  -- (Mono docs, realtime-data).
  cooldown interval not null default '5 minutes',
  paused_until timestamptz,
  paused_reason text,
  last_dispatch_at timestamptz
);
comment on column app_private.platforms.last_dispatch_at is 'Machine time of the last enqueue_due_syncs; /readyz watches it.';
alter table app_private.platforms enable row level security;
insert into app_private.platforms (platform_source, label, task_identifier, account_type, time_zone) values
  ('mono', 'Mono', 'mono_sync', 'bank', 'Africa/Lagos'),
  ('mtn_momo', 'MTN MoMo API', 'momo_sync', 'mobile_money', 'Africa/Kampala');

-- sources: how far back a source goes, how late a posting may come, how many days one window may ask for.
-- `collections` has neither windows nor coverage: its completeness is that no reference is open.
create table app_private.sources (
  source app_public.transaction_source primary key,
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  has_windows boolean not null,
  history_days integer not null constraint sources_history_days check (history_days between 1 and 3660),
  overlap_days integer not null constraint sources_overlap_days check (overlap_days between 0 and 90),
  window_days integer not null constraint sources_window_days check (window_days between 1 and 366)
);
alter table app_private.sources enable row level security;
create index sources_platform_source_idx on app_private.sources (platform_source);
insert into app_private.sources (source, platform_source, has_windows, history_days, overlap_days, window_days) values
  -- Four, so that what comes up to three whole days late is found: of the four, the day that the data speaks for is one,
  -- and it is not over yet. (With three, a row of the 7th at 20:00 that came on the 10th at 15:00 would be missed.)
  ('mono', 'mono', true, 365, 4, 31),
  ('collections', 'mtn_momo', false, 1, 0, 1),
  ('statement', 'mtn_momo', true, 90, 4, 31);

-- workers: who is alive. worker_id is graphile-worker's pool id, the value of job.locked_by. Machine time.
create table app_private.workers (
  worker_id text primary key,
  runner text not null,
  started_at timestamptz not null default now(),
  beat_at timestamptz not null default now()
);
alter table app_private.workers enable row level security;
