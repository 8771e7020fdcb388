-- retention: how long things are kept. prune() goes by it every night; app_admin.change_retention() changes it.
create table app_private.retention (
  subject text primary key constraint retention_subject check (subject in (
    'sync_logs', 'webhooks', 'transaction_revisions', 'notifications', 'incidents', 'run_rollups_5_minutes', 'run_rollups_hours',
    'run_rollups_days', 'admin_actions'
  )),
  keep interval,
  -- Less would take from the views what they show.
  at_least interval not null,
  pruned_at timestamptz,
  pruned bigint not null default 0,
  constraint retention_keep check (keep >= at_least)
);
alter table app_private.retention enable row level security;
comment on column app_private.retention.keep is 'Null: for ever.';
comment on column app_private.retention.pruned_at is 'Machine time of the last batch; `pruned` counts all of them.';
insert into app_private.retention (subject, keep, at_least) values
  ('sync_logs', '90 days', '1 day'),
  -- What is unread is nearly always younger; what nobody knew the account of may be read again when it is linked.
  ('webhooks', '30 days', '1 day'),
  ('transaction_revisions', '730 days', '1 day'),
  ('notifications', '180 days', '7 days'),
  ('incidents', '730 days', '7 days'),
  ('run_rollups_5_minutes', '2 days', '2 hours'),
  ('run_rollups_hours', '35 days', '2 days'),
  ('run_rollups_days', '1095 days', '31 days'),
  ('admin_actions', null, '90 days');
-- Revisions are written in the order of their time, so that a few bytes a megabyte find the old ones.
create index transaction_revisions_replaced_at_idx on app_public.transaction_revisions using brin (replaced_at);
