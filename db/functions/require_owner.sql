-- The consent of an account has ended, as its provider itself told: opens the episode, unless one is open, and says so on
-- the account and to its owner. The schedule stands: its next sync is the one that may clear this.
create or replace function app_private.require_owner(p_account_id uuid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  perform app_private.open_episodes(json_build_array(json_build_object('accountId', p_account_id)));
  update app_private.sync_states set last_failure_kind = 'auth_required' where account_id = p_account_id;
  update app_public.accounts set sync_status = 'auth_required' where id = p_account_id and sync_status <> 'auth_required';
  perform app_private.tell_episodes(array[p_account_id]);
end
$$;
