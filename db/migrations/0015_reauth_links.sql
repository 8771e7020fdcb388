-- reauth_links: the page at Mono on which an account's consent is renewed, as it was minted when somebody tapped. Kept for
-- the minutes that it lives, so that a second tap, or a scanner that followed the link first, leads to the same page. Sealed,
-- because whoever has it stands at the bank's door in the owner's name.
create table app_private.reauth_links (
  account_id uuid primary key references app_public.accounts on delete cascade,
  key_id text not null,
  sealed bytea not null,
  minted_at timestamptz not null
);
alter table app_private.reauth_links enable row level security;
create index reauth_links_minted_at_idx on app_private.reauth_links (minted_at);
