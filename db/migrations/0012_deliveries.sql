-- deliveries: a notification on its way over one channel. Written with the notification, in the transaction of what it tells
-- of; sent by the channel's own task, so that each channel, and each browser, retries alone.
create table app_private.deliveries (
  -- Also the channel's idempotency key: the same over all attempts.
  id uuid primary key default gen_random_uuid(),
  notification_id bigint not null references app_public.notifications on delete cascade,
  user_id uuid not null,
  channel app_public.notification_channel not null,
  subscription_id bigint references app_public.push_subscriptions on delete set null,
  created_at timestamptz not null,
  -- Business time, as due-ness is everywhere.
  next_attempt_at timestamptz,
  expires_at timestamptz not null,
  attempts integer not null default 0,
  last_attempt_at timestamptz,
  outcome text constraint deliveries_outcome check (outcome in (
    'delivered', 'unreachable', 'refused', 'suppressed', 'superseded', 'expired'
  )),
  finished_at timestamptz,
  code text constraint deliveries_code check (length(code) <= 100),
  reason text constraint deliveries_reason check (length(reason) <= 300),
  provider_message_id text constraint deliveries_provider_message_id check (length(provider_message_id) <= 200),
  -- Machine time: a job waits in the queue; a worker is at it.
  enqueued_until timestamptz,
  leased_until timestamptz,
  held_by text,
  constraint deliveries_open check ((outcome is null) = (next_attempt_at is not null) and (outcome is null) = (finished_at is null)),
  constraint deliveries_in_app check (channel <> 'in_app' or outcome = 'delivered'),
  constraint deliveries_subscription check (subscription_id is null or channel = 'web_push'),
  constraint deliveries_lease check (leased_until is null or held_by is not null)
) with (fillfactor = 70);
alter table app_private.deliveries enable row level security;
-- A notification goes over a channel once; over web push once a browser.
create unique index deliveries_channel_key on app_private.deliveries (notification_id, channel) where channel <> 'web_push';
create unique index deliveries_subscription_key on app_private.deliveries (notification_id, subscription_id)
  where subscription_id is not null;
create index deliveries_notification_id_idx on app_private.deliveries (notification_id);
create index deliveries_subscription_id_idx on app_private.deliveries (subscription_id) where subscription_id is not null;
-- The dispatcher's only question.
create index deliveries_due_idx on app_private.deliveries (next_attempt_at) where outcome is null;
-- What a dead worker held.
create index deliveries_held_by_idx on app_private.deliveries (held_by) where held_by is not null;
-- A person's, for whoever is asked why nothing came.
create index deliveries_user_id_idx on app_private.deliveries (user_id, created_at);
comment on column app_private.deliveries.outcome is
  'Null: not over yet. suppressed: its user did not want it any more. superseded: what it tells is no longer true.';
comment on column app_private.deliveries.code is 'Of the last attempt: the channel''s own word, or ours.';
comment on column app_private.deliveries.next_attempt_at is 'After a failed attempt, retry_delay(attempts) ahead or when the channel asked for; never in quiet hours.';

create function app_private.tg_notifications__deliver() returns trigger language plpgsql as 'begin return null; end';
create trigger _500_deliver after insert on app_public.notifications
  referencing new table as told for each statement execute function app_private.tg_notifications__deliver();
