-- What is told over which channel. in_app is the feed itself: always on, and no push.
create type app_public.notification_channel as enum ('in_app', 'onesignal', 'web_push');
create type app_public.notification_language as enum ('en', 'fr');

-- notification_settings: how a user wants to be told, whatever the platform. Null: no choice made; notification_choice()
-- says what holds then.
create table app_public.notification_settings (
  user_id uuid primary key,
  language app_public.notification_language,
  time_zone text,
  quiet_hours boolean,
  quiet_from time,
  quiet_to time,
  paused boolean,
  tell_recovery boolean
);
alter table app_public.notification_settings enable row level security;

-- notification_channels: whether a user wants pushes about a platform over a channel. No row: yes.
create table app_public.notification_channels (
  user_id uuid not null,
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  channel app_public.notification_channel not null
    constraint notification_channels_channel check (channel <> 'in_app'),
  enabled boolean not null,
  primary key (user_id, platform_source, channel)
);
alter table app_public.notification_channels enable row level security;
create index notification_channels_platform_source_idx on app_public.notification_channels (platform_source);

-- push_subscriptions: the browsers of a user. Who knows endpoint, p256dh and auth can encrypt for that browser, so a user
-- reads the endpoint only, to recognise it.
create table app_public.push_subscriptions (
  id bigint generated always as identity primary key,
  user_id uuid not null,
  endpoint text not null constraint push_subscriptions_endpoint check (length(endpoint) <= 2000),
  p256dh text not null constraint push_subscriptions_p256dh check (p256dh ~ '^[A-Za-z0-9_-]{87}$'),
  auth text not null constraint push_subscriptions_auth check (auth ~ '^[A-Za-z0-9_-]{22}$'),
  saved_at timestamptz not null,
  last_delivered_at timestamptz,
  -- A browser belongs to whoever signed in last.
  constraint push_subscriptions_endpoint_key unique (endpoint)
);
alter table app_public.push_subscriptions enable row level security;
create index push_subscriptions_user_id_idx on app_public.push_subscriptions (user_id, saved_at);

-- What the API answers.
create type app_public.notification_channel_choice as (
  platform_source app_public.platform_source, channel app_public.notification_channel, enabled boolean
);
create type app_public.notification_preferences as (
  language app_public.notification_language,
  time_zone text,
  quiet_hours boolean,
  quiet_from text,
  quiet_to text,
  paused boolean,
  tell_recovery boolean,
  channels app_public.notification_channel_choice[]
);
