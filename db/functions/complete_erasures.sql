-- Deletes all that is stored of the people who asked for it and whose providers have all confirmed: their rows in every one
-- of personal_tables(), their accounts' ids in lists, and queued jobs that name them. Answers the receipts of those who are
-- forgotten now. Somebody for whom a job is running at this moment has to wait for the next call.
-- Counts after deleting, and rolls all of it back rather than report something that is left.
create or replace function app_private.complete_erasures() returns setof uuid
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_erasure app_private.erasures;
  v_accounts uuid[];
  v_external_ids text[];
  v_references uuid[];
  v_names text[];
  v_report jsonb;
  v_erased bigint;
  v_left bigint;
  v_in_all bigint;
  t record;
begin
  for v_erasure in
    select * from app_private.erasures e where e.subject is not null order by e.requested_at for update skip locked
  loop
    perform
    from app_private.sync_states s
    where s.account_id in (select a.id from app_public.accounts a where a.user_id = v_erasure.subject)
    order by s.account_id
    for update;
    v_accounts := array(select a.id from app_public.accounts a where a.user_id = v_erasure.subject);
    v_names := v_accounts::text[] || v_erasure.subject::text;
    continue when exists (
        select from app_public.accounts a where a.id = any (v_accounts) and a.unlinked_at is null
      ) or exists (
        select from app_private.unlinkings u where u.account_id = any (v_accounts) and u.state = 'open'
      ) or exists (
        select
        from graphile_worker._private_jobs j
        where j.locked_at is not null and exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0)
      );
    v_external_ids := array(
      select coalesce(a.mono_account_id, a.mtn_reference_id) from app_public.accounts a where a.id = any (v_accounts)
      union
      select u.external_id from app_private.unlinkings u where u.account_id = any (v_accounts)
    );
    v_references := array(select r.reference_id from app_private.tracked_references r where r.account_id = any (v_accounts));

    v_report := '{}';
    v_in_all := 0;
    for t in select * from app_private.personal_tables() loop
      execute format('delete from %s where %s', t.name, t.predicate)
      using v_erasure.subject, v_accounts, v_external_ids, v_references;
      get diagnostics v_erased = row_count;
      v_report := v_report || jsonb_build_object(t.name, jsonb_build_object('erased', v_erased));
    end loop;
    for t in
      select a.attrelid::regclass::text as name, quote_ident(a.attname) as column_name
      from pg_attribute a
      join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text in ('app_public', 'app_private', 'app_admin')
        and a.atttypid = 'uuid[]'::regtype and not a.attisdropped
    loop
      execute format(
        'update %1$s set %2$s = array(select n from unnest(%2$s) as n where n <> all ($1)) where %2$s && $1', t.name, t.column_name
      ) using v_accounts || v_erasure.subject;
      get diagnostics v_erased = row_count;
      execute format('select count(*) from %s where %s && $1', t.name, t.column_name)
      into v_left using v_accounts || v_erasure.subject;
      v_in_all := v_in_all + v_left;
      v_report := v_report || jsonb_build_object(
        t.name || '.' || t.column_name, jsonb_build_object('erased', v_erased, 'left', v_left)
      );
    end loop;
    delete from graphile_worker._private_jobs j
    where exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0);
    get diagnostics v_erased = row_count;
    select count(*) into v_left
    from graphile_worker._private_jobs j
    where exists (select from unnest(v_names) as n (name) where strpos(concat(j.key, j.payload), name) > 0);
    v_in_all := v_in_all + v_left;
    v_report := v_report || jsonb_build_object('jobs', jsonb_build_object('erased', v_erased, 'left', v_left));

    -- Counted when all is done: deleting from one table may have written to another.
    for t in select * from app_private.personal_tables() loop
      execute format('select count(*) from %s where %s', t.name, t.predicate)
      into v_left using v_erasure.subject, v_accounts, v_external_ids, v_references;
      v_in_all := v_in_all + v_left;
      v_report := jsonb_set(v_report, array[t.name, 'left'], to_jsonb(v_left));
    end loop;
    if v_in_all > 0 then
      raise exception 'An erasure left % rows behind.', v_in_all;
    end if;

    update app_private.erasures e
    set subject = null, completed_at = app_private.clock(), report = v_report
    where e.id = v_erasure.id;
    return next v_erasure.id;
  end loop;
end
$$;
