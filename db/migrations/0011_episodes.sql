-- An episode's life: told when the feed has it, tapped when its owner opened the link, recovered when a sync succeeded.
-- A relapse within 24 hours goes on with the same episode (open_episodes).
alter table app_private.auth_episodes
  add column told_at timestamptz,
  add column reminded_at timestamptz,
  add column tapped_at timestamptz,
  add column reopened_at timestamptz,
  add column relapses integer not null default 0 constraint auth_episodes_relapses check (relapses >= 0),
  add column closed_by text constraint auth_episodes_closed_by check (closed_by in ('sync', 'unlinked')),
  add constraint auth_episodes_reopened check ((reopened_at is null) = (relapses = 0));
comment on column app_private.auth_episodes.told_at is 'When the owner''s feed had it; a push may come later.';
comment on column app_private.auth_episodes.tapped_at is 'When the owner first opened the link that leads back.';
comment on column app_private.auth_episodes.recovered_at is 'When it ended; closed_by says how.';
-- Reminders: who was told and is still waited for.
create index auth_episodes_reminder_idx on app_private.auth_episodes (greatest(told_at, reopened_at))
  where recovered_at is null and reminded_at is null;

-- How long somebody who was told is left alone before the one reminder; null: for ever.
alter table app_private.platforms
  add column reminder_after interval default '3 days' constraint platforms_reminder_after check (reminder_after > '0'),
  -- An outage that is over sooner is in the feed only: nobody can do anything about it.
  add column outage_push_after interval not null default '5 minutes'
    constraint platforms_outage_push_after check (outage_push_after >= '0');

-- Since when an account fails for a reason that its owner need not mend, and when the owner was told of that.
alter table app_private.sync_states
  add column failing_since timestamptz,
  add column failing_told_at timestamptz;

alter table app_public.notifications
  add column incident_id bigint references app_private.incidents on delete set null;
create index notifications_incident_id_idx on app_public.notifications (incident_id) where incident_id is not null;
-- Told once, whatever repeats itself.
create unique index notifications_episode_key on app_public.notifications (episode_id, kind) where episode_id is not null;
create unique index notifications_incident_key on app_public.notifications (incident_id, user_id, kind)
  where incident_id is not null;
