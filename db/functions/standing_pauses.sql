-- Which of these accounts are paused with their institution or with their user, and until when. (Their own pause and their
-- platform's stand in rows that every caller reads anyway.) Where nothing is paused, which is nearly always, it looks at one
-- empty table.
create or replace function app_private.standing_pauses(p_account_ids uuid[]) returns table (account_id uuid, until timestamptz)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (select from app_private.pauses z where z.until > app_private.clock()) then
    return;
  end if;
  return query
    select a.id, max(z.until)
    from app_public.accounts a
    join app_private.links l on l.account_id = a.id
    join app_private.pauses z on z.until > app_private.clock()
      and (z.user_id = a.user_id or (z.platform_source = a.platform_source and z.institution_code = l.institution_code))
    where a.id = any (p_account_ids)
    group by a.id;
end
$$;

-- Makes accounts due again that were put off to the end of a pause which was taken back. One that another pause holds comes
-- back once more with the next tick, which puts it off again.
create or replace function app_private.release_paused(p_account_ids uuid[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_released integer;
begin
  update app_private.sync_states s
  set enqueued_until = null
  from app_public.accounts a
  where s.account_id = any (p_account_ids) and a.id = s.account_id and a.unlinked_at is null
    and s.run_id is null and s.enqueued_until > app_private.clock();
  get diagnostics v_released = row_count;
  return v_released;
end
$$;
