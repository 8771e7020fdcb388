-- quotas: how many requests a provider takes from all our workers together. Machine time: the limit is the provider's.
create table app_private.quotas (
  platform_source app_public.platform_source primary key references app_private.platforms on delete cascade,
  -- Requests in any window of this length; null: no limit of ours. Below 3 a limit could not be kept for certain.
  requests integer constraint quotas_requests check (requests >= 3),
  per interval not null default '1 second' constraint quotas_per check (per > '0'),
  -- Kept back for people who wait: Sync now, and the return from a re-authentication.
  reserve numeric not null default 0.2 constraint quotas_reserve check (reserve between 0 and 0.9),
  -- What 429s taught: a share of `requests`, growing back slowly.
  learned numeric not null default 1 constraint quotas_learned check (learned > 0 and learned <= 1),
  refused_at timestamptz,
  blocked_until timestamptz,
  slot_started_at timestamptz,
  slot_spent integer not null default 0,
  slot_spent_in_background integer not null default 0
);
alter table app_private.quotas enable row level security;
comment on column app_private.quotas.refused_at is 'When the provider last answered 429. Machine time, as everything here.';
-- Mono publishes no number: 20 a second is our own caution. MTN: 150 requests a second and address (MTN's community page
-- of late 2024), of which we take two thirds.
insert into app_private.quotas (platform_source, requests) values ('mono', 20), ('mtn_momo', 100);

-- Mono charges for real-time refreshes: ₦10 each (Mono's price list of 2024). Null: free, and not counted.
alter table app_private.platforms
  add column refresh_price numeric constraint platforms_refresh_price check (refresh_price >= 0),
  -- Refreshes a day, in the platform's calendar; null: as many as are due.
  add column daily_refresh_cap integer constraint platforms_daily_refresh_cap check (daily_refresh_cap >= 0);
update app_private.platforms set refresh_price = 10 where platform_source = 'mono';

-- refresh_usage: what was asked for, day by day, and what it costs at most (Mono does not charge where nothing is new).
create table app_private.refresh_usage (
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  day date not null,
  refreshes integer not null default 0,
  cost numeric not null default 0,
  primary key (platform_source, day)
);
alter table app_private.refresh_usage enable row level security;

-- breakers: one for each institution of a platform, and one for the platform itself (institution_code ''). A row exists
-- once somebody there has failed.
create table app_private.breakers (
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  institution_code text not null,
  -- Distinct accounts that failed since the last success there, as many as the threshold asks for.
  failed_accounts uuid[] not null default '{}',
  opened_at timestamptz,
  -- While open: when one account may try.
  next_probe_at timestamptz,
  probes integer not null default 0,
  primary key (platform_source, institution_code),
  constraint breakers_open check ((opened_at is null) = (next_probe_at is null))
);
alter table app_private.breakers enable row level security;

-- incidents: one an outage, not one an account.
create table app_private.incidents (
  id bigint generated always as identity primary key,
  platform_source app_public.platform_source not null references app_private.platforms on delete cascade,
  institution_code text not null,
  opened_at timestamptz not null,
  closed_at timestamptz
);
alter table app_private.incidents enable row level security;
create unique index incidents_open_key on app_private.incidents (platform_source, institution_code) where closed_at is null;
create index incidents_opened_at_idx on app_private.incidents (platform_source, opened_at desc);
comment on table app_private.incidents is 'An institution, or a whole platform (institution_code ''''), that failed for many accounts at once.';

-- Releases the accounts of an institution when it is back.
create index links_institution_code_idx on app_private.links (institution_code) where institution_code is not null;
