-- transactions: a sync inserts, revises and marks removed; it never deletes, and never touches what a user set.
create table app_public.transactions (
  id bigint generated always as identity primary key,
  account_id uuid not null,
  user_id uuid not null,
  source app_public.transaction_source not null,
  provider_transaction_id text not null
    constraint transactions_provider_transaction_id check (length(provider_transaction_id) between 1 and 200),
  status app_public.transaction_status not null,
  direction app_public.transaction_direction not null,
  amount numeric not null constraint transactions_amount check (amount >= 0),
  currency text not null constraint transactions_currency check (currency ~ '^[A-Z]{3}$'),
  occurred_at timestamptz not null,
  occurred_on date not null,
  narration text,
  provider_category text,
  balance_after numeric,
  counterparty text,
  -- The user's own layer.
  category text constraint transactions_category check (length(category) <= 100),
  note text constraint transactions_note check (length(note) <= 2000),
  first_seen_at timestamptz not null,
  changed_at timestamptz,
  -- The run that last wrote the row (not a foreign key: logs are pruned, transactions are not).
  run_id bigint not null,
  revision integer not null default 1,
  constraint transactions_account foreign key (account_id, user_id)
    references app_public.accounts (id, user_id) on delete cascade,
  constraint transactions_provider_key unique (account_id, provider_transaction_id)
) with (fillfactor = 90);
alter table app_public.transactions enable row level security;
-- A window's rows, an account's list by day, and the look-up of a fingerprint: amount is the third column because
-- accounts with thousands of rows a day exist.
create index transactions_account_day_idx on app_public.transactions (account_id, user_id, occurred_on, amount);

comment on table app_public.transactions is 'A transaction as its provider last told it, with what the user added.';
comment on column app_public.transactions.provider_transaction_id is 'Mono''s transaction id, MoMo''s reference id, or the fingerprint of a statement row.';
comment on column app_public.transactions.status is 'removed: the provider no longer returns it.';
comment on column app_public.transactions.amount is 'Exact, in major units, never negative: direction carries the sign.';
comment on column app_public.transactions.occurred_on is 'The provider''s calendar day, which its date filters go by.';
comment on column app_public.transactions.category is 'Set by the user; never overwritten by a sync.';
comment on column app_public.transactions.note is 'Set by the user; never overwritten by a sync.';

-- transaction_revisions: every earlier version of a row, so that nothing is silently rewritten.
create table app_public.transaction_revisions (
  transaction_id bigint not null references app_public.transactions on delete cascade,
  revision integer not null,
  user_id uuid not null,
  kind app_public.revision_kind not null,
  replaced_at timestamptz not null,
  replaced_by_run bigint not null,
  provider_transaction_id text not null,
  status app_public.transaction_status not null,
  direction app_public.transaction_direction not null,
  amount numeric not null,
  currency text not null,
  occurred_at timestamptz not null,
  occurred_on date not null,
  narration text,
  provider_category text,
  balance_after numeric,
  counterparty text,
  primary key (transaction_id, revision)
);
alter table app_public.transaction_revisions enable row level security;
comment on table app_public.transaction_revisions is 'An earlier version of a transaction, kept when a sync changed it.';
comment on column app_public.transaction_revisions.kind is 'What replaced this version: a change, a removal, a return, or the same transaction under a new provider id.';

-- tracked_references: MoMo requests that somebody made and asked us to follow until they are settled.
create table app_private.tracked_references (
  reference_id uuid primary key,
  account_id uuid not null references app_public.accounts on delete cascade,
  operation text not null default 'requesttopay'
    constraint tracked_references_operation check (operation in ('requesttopay', 'requesttowithdraw')),
  -- A status can be read only on the platform that created it, so each reference keeps its own.
  base_url text not null,
  target_environment text not null,
  requested_at timestamptz not null,
  outcome text not null default 'open'
    constraint tracked_references_outcome check (outcome in ('open', 'settled', 'unknown')),
  polls integer not null default 0,
  next_poll_at timestamptz,
  settled_at timestamptz,
  constraint tracked_references_open check ((outcome = 'open') = (next_poll_at is not null))
);
alter table app_private.tracked_references enable row level security;
create index tracked_references_account_id_idx on app_private.tracked_references (account_id, next_poll_at);

-- incoming_transaction: a row as TypeScript hands it over, already parsed and exact.
create type app_private.incoming_transaction as (
  id text,
  status app_public.transaction_status,
  direction app_public.transaction_direction,
  amount numeric,
  currency text,
  "occurredAt" timestamptz,
  "occurredOn" date,
  narration text,
  category text,
  "balanceAfter" numeric,
  counterparty text
);

-- An app's own task (a categoriser, say) that gets one job for each page that brought something new or changed.
alter table app_private.platforms add column transactions_task text
  constraint platforms_transactions_task check (transactions_task ~ '^[a-z][a-z0-9_]{1,60}$');
