-- reschedulings: how far a change of a platform's interval or sync window has reached its accounts. start_rescheduling() writes it
-- in the change's own transaction, reschedule_accounts() goes through the accounts in its order; one row a platform, so that a
-- second change starts again instead of running beside the first. Kept here and not in the job, because jobs may be lost.
create table app_private.reschedulings (
  platform_source app_public.platform_source primary key references app_private.platforms,
  requested_at timestamptz not null,
  accounts integer not null,
  gone_through integer not null default 0,
  rescheduled integer not null default 0,
  last_account_id uuid not null default '00000000-0000-0000-0000-000000000000',
  left_over uuid[] not null default '{}',
  ended_at timestamptz
);
alter table app_private.reschedulings enable row level security;
comment on column app_private.reschedulings.accounts is 'How many were linked when it was asked for.';
comment on column app_private.reschedulings.last_account_id is 'Accounts are gone through by their ids, up to this one.';
comment on column app_private.reschedulings.left_over is 'Accounts whose row somebody held when their turn came; they have another.';
