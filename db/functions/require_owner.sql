-- The consent of an account has ended, as its provider itself told: opens the episode, unless one is open, and says so on
-- the account. The schedule stands: its next sync is the one that may clear this.
create or replace function app_private.require_owner(p_account_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  insert into app_private.auth_episodes (account_id, detected_at)
  values (p_account_id, app_private.clock())
  on conflict (account_id) where recovered_at is null do nothing;
  update app_private.sync_states set last_failure_kind = 'auth_required' where account_id = p_account_id;
  update app_public.accounts set sync_status = 'auth_required' where id = p_account_id and sync_status <> 'auth_required';
end
$$;
