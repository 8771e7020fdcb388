-- What operators ask for is counted here, beside the syncs and not by them: no run writes a byte for it. A closed row of
-- sync_logs never changes, so the log itself is the list of what is still to be counted; update_statistics() reads each
-- run once and adds it up.

-- run_rollups: closed runs by platform, institution, outcome and duration, in spans of five minutes, an hour and a day.
create table app_private.run_rollups (
  grain interval not null constraint run_rollups_grain check (grain in ('5 minutes', '1 hour', '1 day')),
  -- Business time, in UTC: when the runs ended.
  starts_at timestamptz not null,
  platform_source app_public.platform_source not null,
  institution_code text not null,
  outcome text not null,
  duration_bucket smallint not null constraint run_rollups_duration_bucket check (duration_bucket between 0 and 80),
  runs bigint not null,
  transactions bigint not null,
  requests bigint not null,
  primary key (grain, starts_at, platform_source, institution_code, outcome, duration_bucket)
) with (fillfactor = 80);
alter table app_private.run_rollups enable row level security;
comment on column app_private.run_rollups.institution_code is 'Empty where an account has none.';
comment on column app_private.run_rollups.outcome is 'success, or the kind of failure.';
comment on column app_private.run_rollups.duration_bucket is 'As duration_bucket() has it.';

-- unfolded_runs: ids that were passed over, because the run was open, or its row not yet committed, when its turn came.
create table app_private.unfolded_runs (
  run_id bigint primary key,
  since timestamptz not null default clock_timestamp()
);
alter table app_private.unfolded_runs enable row level security;

-- statistics: how far the counting has come.
create table app_private.statistics (
  only_row boolean primary key default true constraint statistics_only_row check (only_row),
  -- Every run up to this one is in run_rollups or in unfolded_runs.
  runs_through bigint not null default 0,
  runs_folded_at timestamptz,
  accounts_counted_at timestamptz,
  gaps_found_at timestamptz
);
alter table app_private.statistics enable row level security;
comment on column app_private.statistics.runs_folded_at is 'Machine time, as all moments of this row.';
insert into app_private.statistics default values;

-- account_counts: the accounts of each institution, by where they stand; counted anew every five minutes. One scan of a
-- million accounts is cheaper than what it would cost every sync to keep these numbers up to date.
create table app_private.account_counts (
  platform_source app_public.platform_source not null,
  institution_code text not null,
  counted_at timestamptz not null,
  accounts integer not null,
  paused integer not null,
  needs_owner integer not null,
  failing integer not null,
  late integer not null,
  stale integer not null,
  primary key (platform_source, institution_code)
);
alter table app_private.account_counts enable row level security;
comment on column app_private.account_counts.counted_at is 'Business time.';
comment on column app_private.account_counts.stale is
  'Neither paused nor waiting for their owner, and not synced within their interval and a quarter of an hour.';

-- upcoming_counts: what falls due in the next day, in quarters of an hour; what is overdue stands in the first of them.
create table app_private.upcoming_counts (
  platform_source app_public.platform_source not null,
  starts_at timestamptz not null,
  kind text not null constraint upcoming_counts_kind check (kind in ('scheduled', 'retry', 'waiting')),
  accounts integer not null,
  primary key (platform_source, starts_at, kind)
);
alter table app_private.upcoming_counts enable row level security;

-- coverage_gaps: the accounts that lack days they should have, found anew every hour.
create table app_private.coverage_gaps (
  account_id uuid not null references app_public.accounts on delete cascade,
  source app_public.transaction_source not null,
  from_day date not null,
  to_day date not null,
  missing_days integer not null,
  primary key (account_id, source)
);
alter table app_private.coverage_gaps enable row level security;

-- Which accounts fail? A healthy account has no entry, so that its syncs pay nothing.
create index sync_states_failing_idx on app_private.sync_states (platform_source, next_sync_at) where failures > 0;
-- Which accounts are paused?
create index accounts_paused_idx on app_public.accounts (platform_source) where paused_at is not null;
-- When did a platform call last, and with what in the last minutes? Instead of the index by age alone, which served cleaning up:
-- that goes by id now.
create index webhooks_platform_received_idx on app_private.webhooks (platform_source, received_at);
drop index app_private.webhooks_received_at_idx;
