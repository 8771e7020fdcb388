-- Who makes a new key for a wallet whose key was refused, and until when that claim stands: the key is asked for between two
-- transactions, and of several workers one only may ask, because each new key ends the one before.
alter table app_private.links
  add column key_renewal uuid,
  add column key_renewal_until timestamptz,
  add column key_renewed_at timestamptz,
  add constraint links_key_renewal check ((key_renewal is null) = (key_renewal_until is null));
create index links_key_renewal_idx on app_private.links (key_renewal) where key_renewal is not null;
comment on column app_private.links.key_renewed_at is 'When its key was last renewed automatically; forgotten when it is linked anew.';
