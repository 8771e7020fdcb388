-- Whether the provider's id of an account is void once it was unlinked there. Mono gives a new one with each link (so third
-- parties report; Mono documents neither), a wallet's API user stays what it was.
alter table app_private.platforms add column unlinks_for_good boolean not null default false;
update app_private.platforms set unlinks_for_good = true where platform_source = 'mono';

-- unlinkings: the end of a link, step by step: it was asked for, the provider confirmed it, its secrets were dropped. Here
-- everything ends at once; at the provider when it answers, which may be days later. Goes by the id that the link had, since
-- the account may be linked anew under another one meanwhile.
create table app_private.unlinkings (
  id bigint generated always as identity primary key,
  account_id uuid not null references app_public.accounts on delete cascade,
  platform_source app_public.platform_source not null,
  external_id text not null,
  reason text not null
    constraint unlinkings_reason check (reason in ('owner', 'backend', 'erasure', 'superseded')),
  state text not null default 'open' constraint unlinkings_state check (state in ('open', 'done')),
  requested_at timestamptz not null,
  attempts integer not null default 0,
  last_tried_at timestamptz,
  next_try_at timestamptz,
  last_failure_kind app_public.failure_kind,
  last_failure text constraint unlinkings_last_failure check (length(last_failure) <= 300),
  confirmed_at timestamptz,
  secrets_dropped_at timestamptz,
  constraint unlinkings_open check ((state = 'open') = (next_try_at is not null) and (state = 'done') = (confirmed_at is not null)),
  constraint unlinkings_order check (secrets_dropped_at >= confirmed_at)
);
alter table app_private.unlinkings enable row level security;
comment on column app_private.unlinkings.reason is
  'superseded: the same bank account was linked anew under another id, and the old one must not stay open at the provider.';
comment on column app_private.unlinkings.attempts is 'The next one follows after retry_delay(attempts).';
comment on column app_private.unlinkings.secrets_dropped_at is
  'Null in a row that is done: the account was linked anew, or waits for another unlinking of its own.';
-- An id is unlinked once; what is late for it is recognised.
create unique index unlinkings_once_key on app_private.unlinkings (external_id, account_id, platform_source);
create index unlinkings_account_id_idx on app_private.unlinkings (account_id);
create index unlinkings_due_idx on app_private.unlinkings (next_try_at) where state = 'open';

-- tombstones: ids that are void, as keyed HMACs by the key of identity_keys. They outlive the erasure of everything else,
-- so that nothing that comes late (a repeated call of a backend, a webhook) begins anew what was ended.
create table app_private.tombstones (
  platform_source app_public.platform_source not null,
  external_id_hmac bytea not null constraint tombstones_external_id_hmac check (length(external_id_hmac) = 32),
  unlinked_at timestamptz not null,
  primary key (platform_source, external_id_hmac)
);
alter table app_private.tombstones enable row level security;

-- identity_keys: the one key of links.identity_hmac and of tombstones, sealed by the application. Made once and kept for
-- ever: it has to survive every change of the encryption keys, or no account would be recognised again.
create table app_private.identity_keys (
  only_row boolean primary key default true constraint identity_keys_only_row check (only_row),
  key_id text not null,
  sealed bytea not null,
  created_at timestamptz not null default now()
);
alter table app_private.identity_keys enable row level security;

-- erasures: requests to forget somebody. `subject` is who, for as long as that is still known.
create table app_private.erasures (
  id uuid primary key default gen_random_uuid(),
  subject uuid constraint erasures_subject_key unique,
  requested_at timestamptz not null,
  completed_at timestamptz,
  report jsonb,
  constraint erasures_completed check ((subject is null) = (completed_at is not null) and (subject is null) = (report is not null))
);
alter table app_private.erasures enable row level security;
comment on column app_private.erasures.report is
  '{"app_public.accounts": {"erased": 2, "left": 0}, …}, a line for each table that could hold something of a person.';
