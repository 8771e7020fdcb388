-- webhooks: what providers told us, each thing once. Written by receive_webhooks, judged by process_webhooks. Only these
-- fields are taken out of a body; of the rest, names and account numbers among it, a keyed hash is all that is kept.
create table app_private.webhooks (
  id bigint generated always as identity primary key,
  platform_source app_public.platform_source not null,
  -- What makes two deliveries the same one: Mono's event id, a job and its status, a reference and its status, or else
  -- the body's hash.
  dedupe_key text not null constraint webhooks_dedupe_key check (length(dedupe_key) between 1 and 200),
  body_hmac bytea not null constraint webhooks_body_hmac check (length(body_hmac) = 32),
  event text not null constraint webhooks_event check (event ~ '^[A-Za-z_.]{1,100}$'),
  event_id text constraint webhooks_event_id check (event_id ~ '^[\w-]{1,100}$'),
  provider_account_id text constraint webhooks_provider_account_id check (provider_account_id ~ '^[\w-]{1,100}$'),
  reference_id uuid,
  job_id text constraint webhooks_job_id check (job_id ~ '^[\w-]{1,100}$'),
  status text constraint webhooks_status check (status in ('processing', 'finished', 'failed', 'pending', 'created', 'successful')),
  data_status text constraint webhooks_data_status check (data_status ~ '^[A-Z_]{1,40}$'),
  sync_status text constraint webhooks_sync_status check (sync_status ~ '^[A-Z_]{1,40}$'),
  has_new_data boolean,
  occurred_at timestamptz,
  received_at timestamptz not null,
  processed_at timestamptz,
  outcome text constraint webhooks_outcome check (outcome in (
    'unknown_account', 'unlinked', 'ignored', 'nothing', 'needs_you', 'resumed', 'run_held', 'queued', 'running', 'deferred',
    'paused', 'provider_down'
  )),
  account_id uuid references app_public.accounts on delete cascade,
  constraint webhooks_once unique (platform_source, dedupe_key)
);
alter table app_private.webhooks enable row level security;
comment on column app_private.webhooks.status is 'Of Mono''s job, or of the MoMo payment.';
comment on column app_private.webhooks.occurred_at is 'When the provider says that it happened; null where it does not say.';
comment on column app_private.webhooks.outcome is
  'What came of it; null: not judged yet. unknown_account is judged again when that account is linked.';
-- The inbox: what is not judged yet.
create index webhooks_inbox_idx on app_private.webhooks (id) where outcome is null;
-- Replayed when the account is linked.
create index webhooks_unknown_account_idx on app_private.webhooks (provider_account_id) where outcome = 'unknown_account';
create index webhooks_account_id_idx on app_private.webhooks (account_id, received_at);
-- Cleaned up by age.
create index webhooks_received_at_idx on app_private.webhooks (received_at);
