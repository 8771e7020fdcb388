-- Writes one page under its lease; save_transactions() calls it for each of its pages. Four things are decided here.
--
-- Nothing to write, nothing written. The page is first compared with what is stored; a page that brings nothing new
-- takes no lock and leaves no WAL and no dead tuple. (`on conflict do update … where` was refused: it writes 239 bytes
-- of WAL for each row it leaves alone, measured.) Only with something to write is the lease locked, and asked for again.
--
-- Deferral. A new id whose fingerprint (day, direction, amount, currency, narration) equals a stored row may be that row
-- under a new id, or a second, equal payment. That is known only when the window is complete: is the old id gone? So the
-- row is not written yet: its id is answered in `deferred`, and the caller hands it in again with the window's last
-- page. Nobody ever sees the double, and an interrupted run loses nothing, because a window that was not completed is
-- read again. (Rows of this very run are no exception: it may have waited for hours since, or begun the window again.)
--
-- Completion (p_page.complete): every stored row of the window that the provider no longer returned is missing. A new
-- row with a missing row's fingerprint *is* that row: it keeps its identity and what the user set, and takes the new
-- id. What remains missing becomes `removed`, to be restored if it comes back. Where the provider said its data may be
-- partial (settles = false), nothing is judged missing and deferred rows wait for the next complete reading.
--
-- Coverage. Days of the window up to data-as-of − overlap become settled, in the same transaction as their rows, never
-- before. T is the provider's data-as-of, never our clock: a provider that answers from a cache knows nothing of today.
create or replace function app_private.save_page(p_page json)
returns table (
  outcome text, new_count integer, changed_count integer, unchanged_count integer, removed_count integer, deferred text[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_account_id uuid;
  v_run_id bigint;
  v_epoch integer;
  v_source app_public.transaction_source;
  v_page integer;
  v_from date;
  v_to date;
  v_json_rows json;
  v_completion json;
  v_polled json;
  v_complete boolean;
  v_settles boolean;
  v_ids text[];
  v_rows app_private.incoming_transaction[];
  v_account record;
  v_settled_before datemultirange;
  v_settled_after datemultirange;
  v_seen integer;
  v_fresh integer;
  v_changed integer;
  v_missing integer := 0;
  v_inserted bigint[] := '{}';
  v_touched bigint[] := '{}';
  v_reissued bigint[] := '{}';
  v_removed integer := 0;
  v_deferred text[] := '{}';
begin
  -- Taken apart at once: each `->>` would read the whole page again, which was half of the cost of a page of 100 rows.
  select r."accountId", r."runId", r.epoch, r.source, r.page, r."from", r."to", r.rows, r.complete, r.polled
  into v_account_id, v_run_id, v_epoch, v_source, v_page, v_from, v_to, v_json_rows, v_completion, v_polled
  from json_to_record(p_page) as r (
    "accountId" uuid, "runId" bigint, epoch integer, source app_public.transaction_source, page integer, "from" date,
    "to" date, rows json, complete json, polled json
  );
  v_complete := coalesce(json_typeof(v_completion) = 'object', false);
  v_settles := v_complete and (v_completion ->> 'settles')::boolean;

  select a.user_id, l.time_zone, so.overlap_days, so.has_windows, p.transactions_task into v_account
  from app_private.sync_states s
  join app_public.accounts a on a.id = s.account_id
  join app_private.links l on l.account_id = s.account_id
  join app_private.platforms p on p.platform_source = s.platform_source
  join app_private.sources so on so.source = v_source and so.platform_source = s.platform_source
  where s.account_id = v_account_id and s.run_id = v_run_id and s.epoch = v_epoch and s.held_by is not null;
  if not found then
    return query select 'lost', 0, 0, 0, 0, '{}'::text[];
    return;
  end if;

  -- An id that comes twice is one row, and the later one wins.
  select array_agg(r) into v_rows
  from (
    select distinct on (id) row (
      id, status, direction, amount, currency, "occurredAt", "occurredOn", narration, category, "balanceAfter", counterparty
    )::app_private.incoming_transaction
    from rows from (json_populate_recordset(null::app_private.incoming_transaction, v_json_rows)) with ordinality as r (
      id, status, direction, amount, currency, "occurredAt", "occurredOn", narration, category, "balanceAfter", counterparty, nth
    )
    order by id, nth desc
  ) as d (r);

  select count(*),
    count(*) filter (where t.id is null),
    count(*) filter (where t.id is not null and
      (t.status, t.direction, t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty)
      is distinct from
      (i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter", i.counterparty))
  into v_seen, v_fresh, v_changed
  from unnest(v_rows) i
  left join app_public.transactions t on t.account_id = v_account_id and t.provider_transaction_id = i.id;

  if v_complete and v_account.has_windows then
    select array_agg(id) into v_ids from json_array_elements_text(v_completion -> 'ids') as id;
    v_ids := coalesce(v_ids, '{}');
    select c.settled into v_settled_before
    from app_private.coverage c
    where c.account_id = v_account_id and c.source = v_source;
    v_settled_after := v_settled_before;
    if v_settles then
      v_settled_after := v_settled_before + datemultirange(daterange(v_from, greatest(v_from, least(
        v_to + 1,
        ((v_completion ->> 'asOf')::timestamptz at time zone v_account.time_zone)::date - v_account.overlap_days + 1
      ))));
      select count(*) into v_missing
      from app_public.transactions t
      where t.account_id = v_account_id and t.user_id = v_account.user_id and t.source = v_source
        and t.occurred_on between v_from and v_to and t.status <> 'removed'
        and not exists (select from unnest(v_ids) as known (id) where known.id = t.provider_transaction_id);
    end if;
  end if;

  if v_fresh = 0 and v_changed = 0 and v_missing = 0 and v_settled_after is not distinct from v_settled_before
    and v_polled is null
  then
    return query select 'ok', 0, 0, v_seen, 0, '{}'::text[];
    return;
  end if;

  perform from app_private.sync_states s
  where s.account_id = v_account_id and s.run_id = v_run_id and s.epoch = v_epoch and s.held_by is not null
  for no key update;
  if not found then
    return query select 'lost', 0, 0, 0, 0, '{}'::text[];
    return;
  end if;

  if v_changed > 0 then
    with changed as (
      select t.id as row_id, i.*
      from unnest(v_rows) i
      join app_public.transactions t on t.account_id = v_account_id and t.provider_transaction_id = i.id
      where
        (t.status, t.direction, t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty)
        is distinct from
        (i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter", i.counterparty)
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id,
        case when t.status = 'removed' then 'restored' else 'changed' end::app_public.revision_kind,
        v_now, v_run_id, t.provider_transaction_id, t.status, t.direction, t.amount, t.currency, t.occurred_at,
        t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join changed c on c.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set status = c.status, direction = c.direction, amount = c.amount, currency = c.currency,
        occurred_at = c."occurredAt", occurred_on = c."occurredOn", narration = c.narration,
        provider_category = c.category, balance_after = c."balanceAfter", counterparty = c.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = v_run_id
      from changed c
      where t.id = c.row_id
      returning t.id
    )
    select coalesce(array_agg(id), '{}') into v_touched from written;
  end if;

  if v_settles and (v_fresh > 0 or v_missing > 0) then
    -- Equal payments on one day pair off in order; one missing row stands for one new row, never for two.
    with fresh as (
      select i.*,
        row_number() over (
          partition by i."occurredOn", i.direction, i.amount, i.currency, app_private.normal_narration(i.narration)
          order by i."occurredAt", i.id
        ) as nth
      from unnest(v_rows) i
      where not exists (
        select from app_public.transactions t where t.account_id = v_account_id and t.provider_transaction_id = i.id
      )
    ),
    missing as (
      select t.*,
        row_number() over (
          partition by t.occurred_on, t.direction, t.amount, t.currency, app_private.normal_narration(t.narration)
          order by t.status = 'removed', t.occurred_at, t.id
        ) as nth
      from app_public.transactions t
      where t.account_id = v_account_id and t.user_id = v_account.user_id and t.source = v_source
        and t.occurred_on between v_from and v_to
        and not exists (select from unnest(v_ids) as known (id) where known.id = t.provider_transaction_id)
    ),
    pairs as (
      select m.id as row_id, f.*
      from fresh f
      join missing m on m.occurred_on = f."occurredOn" and m.direction = f.direction and m.amount = f.amount
        and m.currency = f.currency and app_private.normal_narration(m.narration) = app_private.normal_narration(f.narration)
        and m.nth = f.nth
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id, 'reissued', v_now, v_run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join pairs p on p.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set provider_transaction_id = p.id, status = p.status, occurred_at = p."occurredAt", narration = p.narration,
        provider_category = p.category, balance_after = p."balanceAfter", counterparty = p.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = v_run_id
      from pairs p
      where t.id = p.row_id
      returning t.id
    )
    select coalesce(array_agg(id), '{}') into v_reissued from written;
  elsif v_fresh > 0 and v_account.has_windows then
    -- Row by row through the index by day and amount: joined as a set, every row of the account had its narration normalised.
    select coalesce(array_agg(i.id), '{}') into v_deferred
    from unnest(v_rows) i
    where exists (
        select from (
          select t.provider_transaction_id, t.narration
          from app_public.transactions t
          where t.account_id = v_account_id and t.user_id = v_account.user_id and t.occurred_on = i."occurredOn"
            and t.amount = i.amount and t.direction = i.direction and t.currency = i.currency and t.source = v_source
          offset 0
        ) alike
        where app_private.normal_narration(alike.narration) = app_private.normal_narration(i.narration)
          and not exists (select from unnest(v_rows) other where other.id = alike.provider_transaction_id)
      )
      and not exists (
        select from app_public.transactions t where t.account_id = v_account_id and t.provider_transaction_id = i.id
      );
  end if;

  if v_fresh > 0 then
    with written as (
      insert into app_public.transactions (
        account_id, user_id, source, provider_transaction_id, status, direction, amount, currency, occurred_at,
        occurred_on, narration, provider_category, balance_after, counterparty, first_seen_at, run_id
      )
      select v_account_id, v_account.user_id, v_source, i.id, i.status, i.direction, i.amount, i.currency, i."occurredAt",
        i."occurredOn", i.narration, i.category, i."balanceAfter", i.counterparty, v_now, v_run_id
      from unnest(v_rows) i
      where i.id <> all (v_deferred)
      order by i."occurredAt"
      on conflict (account_id, provider_transaction_id) do nothing
      returning id
    )
    select coalesce(array_agg(id), '{}') into v_inserted from written;
  end if;

  if v_missing > 0 then
    with gone as (
      select t.id
      from app_public.transactions t
      where t.account_id = v_account_id and t.user_id = v_account.user_id and t.source = v_source
        and t.occurred_on between v_from and v_to and t.status <> 'removed'
        and not exists (select from unnest(v_ids) as known (id) where known.id = t.provider_transaction_id)
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id, 'removed', v_now, v_run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join gone g on g.id = t.id
    )
    update app_public.transactions t
    set status = 'removed', revision = t.revision + 1, changed_at = v_now, run_id = v_run_id
    from gone g
    where t.id = g.id;
    get diagnostics v_removed = row_count;
  end if;

  if v_settled_after is distinct from v_settled_before then
    update app_private.coverage c
    set settled = v_settled_after
    where c.account_id = v_account_id and c.source = v_source;
  end if;

  if v_polled is not null then
    update app_private.tracked_references r
    set polls = r.polls + 1,
      outcome = d.outcome,
      settled_at = case when d.outcome <> 'open' then v_now end,
      next_poll_at = case when d.outcome = 'open' then v_now + app_private.reference_poll_delay(r.polls + 1) end
    from (
      select p."referenceId",
        -- A reference that the provider does not know may still be on its way: somebody may track it before posting it.
        case when p.outcome = 'unknown' and t.requested_at > v_now - interval '1 day' then 'open' else p.outcome end as outcome
      from json_to_recordset(v_polled) as p ("referenceId" uuid, outcome text)
      join app_private.tracked_references t on t.reference_id = p."referenceId"
    ) d
    where r.reference_id = d."referenceId" and r.account_id = v_account_id and r.outcome = 'open';
  end if;

  if cardinality(v_inserted) + cardinality(v_touched) + cardinality(v_reissued) + v_removed > 0 then
    -- So that a run which is cut off here still tells what it saved.
    update app_public.sync_logs l
    set new_count = l.new_count + cardinality(v_inserted),
      changed_count = l.changed_count + cardinality(v_touched) + cardinality(v_reissued),
      removed_count = l.removed_count + v_removed,
      transactions_synced = l.transactions_synced + cardinality(v_inserted) + cardinality(v_touched) + cardinality(v_reissued),
      pages = greatest(l.pages, v_page)
    where l.id = v_run_id;
    if v_account.transactions_task is not null and cardinality(v_inserted || v_touched || v_reissued) > 0 then
      perform graphile_worker.add_job(v_account.transactions_task, json_build_object(
        'accountId', v_account_id, 'runId', v_run_id::text, 'transactionIds', (v_inserted || v_touched || v_reissued)::text[]
      ));
    end if;
  end if;

  return query select 'ok', cardinality(v_inserted), cardinality(v_touched) + cardinality(v_reissued),
    v_seen - cardinality(v_inserted) - cardinality(v_touched) - cardinality(v_reissued) - cardinality(v_deferred),
    v_removed, v_deferred;
end
$$;
