-- accounts: what people see of an account they linked. The wide row changes once a sync, by a HOT update: no index
-- here holds a column that a sync writes.
create table app_public.accounts (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null,
  account_name text not null constraint accounts_account_name check (length(account_name) between 1 and 120),
  account_type app_public.account_type not null,
  platform_source app_public.platform_source not null references app_private.platforms,
  currency text not null constraint accounts_currency check (currency ~ '^[A-Z]{3}$'),
  balance numeric,
  balance_as_of timestamptz,
  mono_account_id text,
  mtn_reference_id text,
  institution text,
  sync_status app_public.sync_status not null default 'active',
  last_synced_at timestamptz,
  last_sync_attempt timestamptz,
  data_as_of timestamptz,
  coverage_through date,
  linked_at timestamptz not null,
  unlinked_at timestamptz,
  paused_at timestamptz,
  constraint accounts_platform_id check (
    case platform_source
      when 'mono' then mono_account_id is not null and mtn_reference_id is null and account_type = 'bank'
      when 'mtn_momo' then mtn_reference_id is not null and mono_account_id is null and account_type = 'mobile_money'
    end
  ),
  constraint accounts_id_user unique (id, user_id)
) with (fillfactor = 80);
alter table app_public.accounts enable row level security;
-- A user's list of accounts.
create index accounts_user_id_idx on app_public.accounts (user_id);
create index accounts_platform_source_idx on app_public.accounts (platform_source);
-- A Mono account id belongs to one link for ever; a wallet may be linked by each of its owners, once.
create unique index accounts_mono_account_id_key on app_public.accounts (mono_account_id);
create unique index accounts_mtn_reference_id_key on app_public.accounts (mtn_reference_id, user_id);

comment on table app_public.accounts is 'A linked bank or mobile-money account and how fresh we know it to be.';
comment on column app_public.accounts.balance is 'Exact, in major units of currency. Null until the provider has told it.';
comment on column app_public.accounts.mtn_reference_id is 'The id of the wallet''s MoMo API user.';
comment on column app_public.accounts.last_synced_at is 'When a sync last succeeded. A run that failed, was rate-limited or found the link expired never moves it.';
comment on column app_public.accounts.last_sync_attempt is 'When a sync was last begun, whatever came of it.';
comment on column app_public.accounts.data_as_of is 'The moment the provider''s data speaks for: its cache may be older than our sync.';
comment on column app_public.accounts.coverage_through is 'The last day, in the provider''s calendar, up to which history is known complete without a gap. Null where the source cannot list transactions.';

-- links: how to reach an account at its provider. Written when it is linked, read by every run.
create table app_private.links (
  account_id uuid primary key references app_public.accounts on delete cascade,
  base_url text,
  target_environment text,
  time_zone text not null,
  -- Accounts of one login share a slot of the schedule, so that they are handled together (Mono: the customer; MoMo:
  -- the API user).
  login_key text not null,
  institution_code text,
  -- Keyed HMAC of institution, number and type: recognises the same bank account behind a new link. Never the number
  -- itself: ten digits could be guessed from a plain hash.
  identity_hmac bytea
);
comment on column app_private.links.base_url is 'Null: the platform''s base URL from the environment. MoMo keeps its own because MTN is moving platforms.';
alter table app_private.links enable row level security;
create index links_identity_hmac_idx on app_private.links (identity_hmac) where identity_hmac is not null;

-- sync_states: the machinery of one account. Narrow, hot, and never shown as it is.
create table app_private.sync_states (
  account_id uuid primary key references app_public.accounts on delete cascade,
  platform_source app_public.platform_source not null,
  next_sync_at timestamptz not null,
  -- The dispatcher's claim: not to be enqueued again before. 'infinity' while a worker holds the run.
  enqueued_until timestamptz,
  -- The lease is (run_id, epoch); held_by is null while the run waits for the provider.
  run_id bigint,
  epoch integer not null default 0,
  held_by text,
  failures integer not null default 0 constraint sync_states_failures check (failures >= 0),
  last_failure_kind app_public.failure_kind,
  admin_interval interval,
  -- New transactions of the last 28 days, counted up to 12: enough to tell the tiers of sync_interval() apart.
  activity smallint,
  provider_state jsonb not null default '{}',
  constraint sync_states_lease check (held_by is null or run_id is not null)
) with (fillfactor = 70);
alter table app_private.sync_states enable row level security;
-- The dispatcher's only question. greatest() ignores nulls, so a claimed row leaves the front of the index until its
-- claim ends: a tick costs what is due, not how many accounts exist nor how many wait in the queue.
create index sync_states_dispatch_idx on app_private.sync_states
  (platform_source, (greatest(next_sync_at, enqueued_until)));

-- coverage: the days known complete, per account and source. The next windows are what is missing here.
create table app_private.coverage (
  account_id uuid not null references app_public.accounts on delete cascade,
  source app_public.transaction_source not null references app_private.sources,
  history_start date not null,
  settled datemultirange not null default '{}',
  primary key (account_id, source)
) with (fillfactor = 80);
alter table app_private.coverage enable row level security;
create index coverage_source_idx on app_private.coverage (source);

-- sync_settings: what a user chose for a platform. Null: no choice made.
create table app_public.sync_settings (
  user_id uuid not null,
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  sync_interval interval,
  preferred_hour smallint constraint sync_settings_preferred_hour check (preferred_hour between 0 and 23),
  time_zone text,
  notifications_enabled boolean not null default true,
  primary key (user_id, platform_source)
);
alter table app_public.sync_settings enable row level security;
create index sync_settings_platform_source_idx on app_public.sync_settings (platform_source);
comment on table app_public.sync_settings is 'How often, and when, a user wants the accounts of a platform synced.';
comment on column app_public.sync_settings.preferred_hour is 'Hour of the day in time_zone, for intervals of a day or more.';
comment on column app_public.sync_settings.time_zone is 'IANA name, such as Africa/Lagos.';
