-- tag_mirrors: how a user's accounts stand, as OneSignal is to know it, so that an app can make segments of it. A row is
-- stale while next_attempt_at is set: nobody waits for it, so the dispatcher finds it, and a wave of changes costs one request.
create table app_private.tag_mirrors (
  user_id uuid primary key,
  -- Grows with each change: what was read before it is not taken for the latest.
  version integer not null default 1,
  -- Business time; null: OneSignal knows the latest.
  next_attempt_at timestamptz,
  attempts integer not null default 0,
  mirrored_at timestamptz,
  code text constraint tag_mirrors_code check (length(code) <= 100),
  reason text constraint tag_mirrors_reason check (length(reason) <= 300),
  -- Machine time: its job waits in the queue.
  enqueued_until timestamptz
);
alter table app_private.tag_mirrors enable row level security;
create index tag_mirrors_due_idx on app_private.tag_mirrors (next_attempt_at) where next_attempt_at is not null;

create function app_private.tg_accounts__mirror_tags() returns trigger language plpgsql as 'begin return null; end';
create trigger _500_mirror_tags_insert after insert on app_public.accounts
  for each row execute function app_private.tg_accounts__mirror_tags();
-- Every sync updates its account; only one that changes what is mirrored costs more than a comparison.
create trigger _500_mirror_tags_update after update of sync_status, unlinked_at on app_public.accounts
  for each row when ((old.sync_status, old.unlinked_at is null) is distinct from (new.sync_status, new.unlinked_at is null))
  execute function app_private.tg_accounts__mirror_tags();
