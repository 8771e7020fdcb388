-- Draws a share of a platform's quota for one process: `granted` requests to be sent within `spend_within_ms` of the call,
-- or, when there is none, how long to wait before asking again. Machine time.
--
-- The promise: with any number of processes, the provider sees at most `requests` in *any* window of length `per`. A token
-- bucket does not keep it (a full bucket and its refill may meet in one window). So time is cut into slots, k to a window;
-- permits are good for their slot only and are lost with it. With n permits a slot, n (k + 2) ≤ requests always holds:
-- quota_slots(). 20 a second become 8 slots of 2 permits (16 a second), 100 become 81.
--
-- Background work leaves `reserve` of each slot to people who wait. A 429 lowers `learned`, which grows back by a
-- twentieth a minute.
create or replace function app_private.draw_quota(
  p_platform app_public.platform_source, p_wanted integer, p_first boolean default false
) returns table (granted integer, spend_within_ms double precision, wait_ms double precision)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  q app_private.quotas;
  v_now timestamptz;
  v_limit numeric;
  v_slots integer;
  v_permits integer;
  v_length interval;
  v_slot timestamptz;
  v_left integer;
  v_share numeric;
  v_slot_number numeric;
begin
  select * into q from app_private.quotas where platform_source = p_platform for update;
  -- After the lock: whoever waited for it must not count in a slot that is over.
  v_now := clock_timestamp();
  if q.blocked_until > v_now then
    return query select 0, 0::double precision, 1000 * extract(epoch from q.blocked_until - v_now)::double precision;
    return;
  end if;
  if q.requests is null then
    return query select 1000000, 1000::double precision, 0::double precision;
    return;
  end if;

  v_limit := greatest(3, q.requests * app_private.quota_learned(q));
  select c.slots, c.permits into v_slots, v_permits from app_private.quota_slots(v_limit) c;
  v_length := q.per / v_slots;
  v_slot := date_bin(v_length, v_now, 'epoch');
  if q.slot_started_at is distinct from v_slot then
    -- A slot of another length may still reach into this one: it is waited out.
    if q.slot_started_at > v_now - v_length and q.slot_started_at + v_length > v_slot then
      return query select 0, 0::double precision,
        1000 * extract(epoch from q.slot_started_at + v_length - v_now)::double precision;
      return;
    end if;
    q.slot_spent := 0;
    q.slot_spent_in_background := 0;
  end if;

  v_left := v_permits - q.slot_spent;
  if not p_first then
    -- A share of 1.6 permits is 2, 1, 2, 1, 2 in turn: rounded always one way, it would keep nothing back or far too much.
    v_share := v_permits * (1 - q.reserve);
    v_slot_number := extract(epoch from v_slot) / extract(epoch from v_length);
    v_left := least(v_left,
      (floor((v_slot_number + 1) * v_share) - floor(v_slot_number * v_share))::integer - q.slot_spent_in_background);
  end if;
  granted := least(p_wanted, greatest(v_left, 0));
  if granted > 0 then
    update app_private.quotas
    set slot_started_at = v_slot,
      slot_spent = q.slot_spent + granted,
      slot_spent_in_background = q.slot_spent_in_background + case when p_first then 0 else granted end
    where platform_source = p_platform;
  end if;
  spend_within_ms := 1000 * extract(epoch from v_slot + v_length - v_now);
  wait_ms := case when granted = 0 then spend_within_ms else 0 end;
  return next;
end
$$;
