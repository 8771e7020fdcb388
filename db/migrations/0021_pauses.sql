-- pauses: an institution or a user whose syncs an operator has paused. (A platform's pause is in platforms, an account's in
-- accounts.) A row exists while the pause was not taken back; it ends by itself at `until`.
create table app_private.pauses (
  id bigint generated always as identity primary key,
  platform_source app_public.platform_source references app_private.platforms on delete cascade,
  institution_code text,
  user_id uuid,
  until timestamptz not null,
  reason text not null,
  constraint pauses_scope check (
    (institution_code is not null and platform_source is not null and user_id is null)
    or (user_id is not null and platform_source is null and institution_code is null)
  ),
  constraint pauses_institution_key unique (platform_source, institution_code),
  constraint pauses_user_key unique (user_id)
);
alter table app_private.pauses enable row level security;
comment on column app_private.pauses.until is 'infinity: until it is taken back.';

-- admin_actions: what operators changed.
create table app_private.admin_actions (
  id bigint generated always as identity primary key,
  done_at timestamptz not null default clock_timestamp(),
  done_by text not null default session_user,
  action text not null,
  platform_source app_public.platform_source,
  institution_code text,
  user_id uuid,
  account_id uuid,
  reason text not null constraint admin_actions_reason check (length(reason) between 3 and 500),
  before jsonb,
  after jsonb
);
alter table app_private.admin_actions enable row level security;
comment on column app_private.admin_actions.done_at is 'Machine time.';
comment on column app_private.admin_actions.done_by is 'The login, which no security definer changes.';
comment on column app_private.admin_actions.before is 'What it was, by which the change can be taken back.';
create index admin_actions_account_id_idx on app_private.admin_actions (account_id) where account_id is not null;
create index admin_actions_user_id_idx on app_private.admin_actions (user_id) where user_id is not null;
