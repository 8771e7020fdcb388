-- Asks for all accounts of a platform to be scheduled anew, after a choice that holds for all of them: the task
-- reschedule_accounts goes through them, once the change is committed. One that is under way starts again. Answers how many there are.
--
-- Done here, it was one statement over all of them: 169 s for 760,000, in which no sync of theirs began or ended.
create or replace function app_private.start_rescheduling(p_platform app_public.platform_source) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_accounts integer;
begin
  select count(*) into v_accounts from app_public.accounts a where a.platform_source = p_platform and a.unlinked_at is null;
  insert into app_private.reschedulings as r (platform_source, requested_at, accounts)
  values (p_platform, clock_timestamp(), v_accounts)
  on conflict on constraint reschedulings_pkey do update
  set requested_at = excluded.requested_at, accounts = excluded.accounts, gone_through = default, rescheduled = default,
    last_account_id = default, left_over = default, ended_at = default;
  perform app_private.ensure_job('reschedule_accounts', '{}', 'reschedule_accounts');
  return v_accounts;
end
$$;

-- One batch of what start_rescheduling() asked for: the next p_limit accounts, each call its own transaction, so that no lock lasts
-- longer than a batch and a stop loses nothing. Answers a row where there was something to do and nobody else was at it:
--
--   more     there is more to do at once
--   locked   all that is left are accounts whose rows somebody holds; they are looked at again later
--   done     that was the last
--
-- `skip locked`: whoever holds an account's row (a run that is being opened or closed, an operator's open transaction) is not waited
-- for, because up to p_limit other accounts would wait with it. Nor is that account forgotten: a finish that began before
-- the change was committed computes its time from the old choice, and a begin may be refused, with no finish to follow. So it is
-- kept in left_over and has its turn again at the end, or when left_over has as many as a batch. A run that is open by then
-- keeps its account as it is, because its finish reads the new choice.
create or replace function app_private.reschedule_accounts(p_platform app_public.platform_source, p_limit integer default 1000)
returns table (outcome text, accounts integer, gone_through integer, rescheduled integer, left_over integer)
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  r app_private.reschedulings;
  v_next uuid[];
  v_ids uuid[];
  v_free uuid[];
  v_held uuid[];
  v_again boolean;
begin
  select t.* into r
  from app_private.reschedulings t
  where t.platform_source = p_platform and t.ended_at is null
  for no key update skip locked;
  if not found then
    return;
  end if;

  v_next := array(
    -- Those that were unlinked are never due. (By a join with accounts, each batch read these from the first on.)
    select s.account_id
    from app_private.sync_states s
    where s.platform_source = p_platform and s.account_id > r.last_account_id and s.next_sync_at < 'infinity'
    order by s.account_id
    limit p_limit
  );
  v_again := v_next = '{}' or cardinality(r.left_over) >= p_limit;
  if v_again then
    v_ids := r.left_over;
    r.left_over := '{}';
  else
    v_ids := v_next;
    r.last_account_id := v_next[cardinality(v_next)];
    r.gone_through := r.gone_through + cardinality(v_next);
  end if;

  v_free := array(
    select s.account_id from app_private.sync_states s where s.account_id = any (v_ids) order by s.account_id for no key update skip locked
  );
  r.rescheduled := r.rescheduled + app_private.reschedule(v_free, true);
  -- One that was erased meanwhile is neither.
  v_held := array(
    select s.account_id from app_private.sync_states s where s.account_id = any (v_ids) and s.account_id <> all (v_free)
  );
  r.left_over := r.left_over || v_held;

  outcome := case
    when r.left_over = '{}' and (v_next = '{}' or not v_again and cardinality(v_next) < p_limit) then 'done'
    when v_again and cardinality(v_held) = cardinality(v_ids) then 'locked'
    else 'more'
  end;
  update app_private.reschedulings t
  set last_account_id = r.last_account_id, gone_through = r.gone_through, rescheduled = r.rescheduled, left_over = r.left_over
  where t.platform_source = p_platform;
  if outcome = 'done' then
    -- Whose account was the last is nobody's affair any more.
    update app_private.reschedulings t
    set ended_at = clock_timestamp(), last_account_id = default
    where t.platform_source = p_platform;
  end if;
  return query select outcome, r.accounts, r.gone_through, r.rescheduled, cardinality(r.left_over);
end
$$;
