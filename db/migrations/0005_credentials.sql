-- credentials: sealed by the application (AES-256-GCM; the key never comes here). Associated data is the account's id
-- and the kind, so that a row moved to another account or column opens nothing.
create table app_private.credentials (
  account_id uuid not null references app_public.accounts on delete cascade,
  kind text not null constraint credentials_kind check (kind ~ '^[a-z][a-z0-9_]{1,60}$'),
  key_id text not null,
  sealed bytea not null,
  updated_at timestamptz not null default now(),
  primary key (account_id, kind)
);
alter table app_private.credentials enable row level security;
-- Rotation asks for rows that are not sealed with the current key.
create index credentials_key_id_idx on app_private.credentials (key_id, account_id, kind);

-- wallet_tokens: MoMo access tokens live an hour and are shared by all workers of a wallet. Sealed as well.
create table app_private.wallet_tokens (
  wallet_key text primary key,
  key_id text not null,
  sealed bytea not null,
  expires_at timestamptz not null
);
alter table app_private.wallet_tokens enable row level security;

-- key_checks: one sealed canary a key, by which a wrong encryption key is recognised before anything is opened with it.
create table app_private.key_checks (
  key_id text primary key,
  sealed bytea not null,
  created_at timestamptz not null default now()
);
alter table app_private.key_checks enable row level security;
