-- What waits for a key of ours that is missing or refused: nothing of it is lost, and only an operator can make it go on. Kept
-- apart from other failures so that it is seen (app_admin.deliveries), and so that a worker that begins with keys finds it.
alter table app_private.deliveries
  add column needs_operator boolean not null default false,
  add constraint deliveries_needs_operator check (not needs_operator or outcome is null);
create index deliveries_needs_operator_idx on app_private.deliveries (channel) where needs_operator;
comment on column app_private.deliveries.needs_operator is 'The last attempt failed of a key of ours, missing or refused.';

alter table app_private.tag_mirrors add column needs_operator boolean not null default false;
create index tag_mirrors_needs_operator_idx on app_private.tag_mirrors (user_id) where needs_operator;
