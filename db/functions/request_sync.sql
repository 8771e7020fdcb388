-- "Sync now": asks for a sync of one's own account, first in line. Answers:
--
--   queued            a job was added
--   already_running   a run is open; it will bring what this one would
--   cooling_down      too soon after the last attempt; `until` says when it may be asked again
--   needs_you         the link needs its owner; a probe was made within this cooldown
--   paused            the account, or its platform, is paused, `until` if that has an end
--   provider_down     the provider is down, `until` it is asked again
--
-- Cooldown and pause apply, backoff never does, and an account in error is tried like any other: an error state must not
-- prevent the sync that would clear it. The same key within 24 hours gets the same answer and adds nothing.
-- Raises NTFND for an account that is not the caller's, KEYRE for a key that was used for another account, KEYNV for one that
-- is too short or too long.
create or replace function app_public.request_sync(account_id uuid, idempotency_key text)
returns app_public.sync_request
language plpgsql security definer -- visitors may add no job and see no machinery
set search_path = pg_catalog, pg_temp
as $$
declare
  v_now timestamptz := app_private.clock();
  v_user_id uuid := app_public.current_user_id();
  v_answer app_public.sync_request;
  v_earlier app_private.idempotency_keys;
begin
  if length(coalesce(request_sync.idempotency_key, '')) not between 8 and 200 then
    raise exception 'An idempotency key has 8 to 200 characters.' using errcode = 'KEYNV';
  end if;
  perform
  from app_public.accounts a
  join app_private.sync_states s on s.account_id = a.id
  where a.id = request_sync.account_id and a.user_id = v_user_id and a.unlinked_at is null
  for no key update of s;
  if not found then
    raise exception 'There is no such account.' using errcode = 'NTFND';
  end if;

  select * into v_earlier
  from app_private.idempotency_keys k
  where k.user_id = v_user_id and k.idempotency_key = request_sync.idempotency_key and k.created_at > v_now - interval '24 hours';
  if found then
    if v_earlier.account_id <> request_sync.account_id then
      raise exception 'This idempotency key was used for another account.' using errcode = 'KEYRE';
    end if;
    return row (v_earlier.outcome, v_earlier.until)::app_public.sync_request;
  end if;

  v_answer := app_private.queue_sync(request_sync.account_id, 'user');
  insert into app_private.idempotency_keys (user_id, idempotency_key, account_id, outcome, until, created_at)
  values (v_user_id, request_sync.idempotency_key, request_sync.account_id, v_answer.outcome, v_answer.until, v_now)
  on conflict on constraint idempotency_keys_pkey do update
    set account_id = excluded.account_id, outcome = excluded.outcome, until = excluded.until, created_at = excluded.created_at;
  return v_answer;
end
$$;
comment on function app_public.request_sync(uuid, text) is
  E'@param accountId The account to sync.\n'
  '@param idempotencyKey 8 to 200 characters of your choice, new for each tap of the button.\n'
  '@result What became of the request.\n'
  'Asks for a sync of one of your accounts now. The same idempotency key within 24 hours gets the same answer.';
