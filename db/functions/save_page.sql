-- Writes one page that is not quiet, whose lease save_transactions() holds locked. Three things are decided here.
--
-- Deferral. A new id whose fingerprint (day, direction, amount, currency, narration) equals a stored row may be that row
-- under a new id, or a second, equal payment. That is known only when the window is complete: is the old id gone? So the
-- row is not written yet: its id is answered in `deferred`, and the caller hands it in again with the window's last
-- page. Nobody ever sees the double, and an interrupted run loses nothing, because a window that was not completed is
-- read again. (Rows of this very run are no exception: it may have waited for hours since, or begun the window again.)
--
-- Completion (ids): every stored row of the window that the provider no longer returned is missing. A new
-- row with a missing row's fingerprint *is* that row: it keeps its identity and what the user set, and takes the new
-- id. What remains missing becomes `removed`, to be restored if it comes back. Where the provider said its data may be
-- partial (settles is false), nothing is judged missing and deferred rows wait for the next complete reading.
create or replace function app_private.save_page(p_page app_private.judged_page)
returns table (new_count integer, changed_count integer, removed_count integer, deferred text[])
language plpgsql
rows 1
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now timestamptz := app_private.clock();
  v_inserted bigint[] := '{}';
  v_touched bigint[] := '{}';
  v_reissued bigint[] := '{}';
  v_taken text[] := '{}';
  v_removed integer := 0;
  v_deferred text[] := '{}';
begin
  if p_page.changed_rows is not null then
    with changed as (
      select t.id as row_id, i.*
      from unnest(p_page.changed_rows) i
      join app_public.transactions t on t.account_id = p_page.account_id and t.provider_transaction_id = i.id
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id,
        case when t.status = 'removed' then 'restored' else 'changed' end::app_public.revision_kind,
        v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction, t.amount, t.currency, t.occurred_at,
        t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join changed c on c.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set status = c.status, direction = c.direction, amount = c.amount, currency = c.currency,
        occurred_at = c."occurredAt", occurred_on = c."occurredOn", narration = c.narration,
        provider_category = c.category, balance_after = c."balanceAfter", counterparty = c.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
      from changed c
      where t.id = c.row_id
      returning t.id
    )
    select coalesce(array_agg(id), '{}') into v_touched from written;
  end if;

  if p_page.settles and p_page.new_rows is not null then
    -- Equal payments on one day pair off in order; one missing row stands for one new row, never for two.
    with fresh as (
      select i.*,
        row_number() over (
          partition by i."occurredOn", i.direction, i.amount, i.currency, app_private.normal_narration(i.narration)
          order by i."occurredAt", i.id
        ) as nth
      from unnest(p_page.new_rows) i
    ),
    missing as (
      select t.*,
        row_number() over (
          partition by t.occurred_on, t.direction, t.amount, t.currency, app_private.normal_narration(t.narration)
          order by t.status = 'removed', t.occurred_at, t.id
        ) as nth
      from app_public.transactions t
      where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.source = p_page.source
        and t.occurred_on between p_page.from_day and p_page.to_day
        and not exists (select from unnest(p_page.ids) as known (id) where known.id = t.provider_transaction_id)
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
      select t.id, t.revision, t.user_id, 'reissued', v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join pairs on pairs.row_id = t.id
    ),
    written as (
      update app_public.transactions t
      set provider_transaction_id = n.id, status = n.status, occurred_at = n."occurredAt", narration = n.narration,
        provider_category = n.category, balance_after = n."balanceAfter", counterparty = n.counterparty,
        revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
      from pairs n
      where t.id = n.row_id
      returning t.id, t.provider_transaction_id
    )
    select coalesce(array_agg(id), '{}'), coalesce(array_agg(provider_transaction_id), '{}') into v_reissued, v_taken from written;
  elsif p_page.new_rows is not null and p_page.has_windows then
    -- Row by row through the index by day and amount: joined as a set, every row of the account had its narration normalised.
    select coalesce(array_agg(i.id), '{}') into v_deferred
    from unnest(p_page.new_rows) i
    where exists (
        select from (
          select t.provider_transaction_id, t.narration
          from app_public.transactions t
          where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.occurred_on = i."occurredOn"
            and t.amount = i.amount and t.direction = i.direction and t.currency = i.currency and t.source = p_page.source
          offset 0
        ) alike
        where app_private.normal_narration(alike.narration) = app_private.normal_narration(i.narration)
          and alike.provider_transaction_id <> all (coalesce(p_page.known_ids, '{}'))
      );
  end if;

  if p_page.new_rows is not null then
    with written as (
      insert into app_public.transactions (
        account_id, user_id, source, provider_transaction_id, status, direction, amount, currency, occurred_at,
        occurred_on, narration, provider_category, balance_after, counterparty, first_seen_at, run_id
      )
      select p_page.account_id, p_page.user_id, p_page.source, i.id, i.status, i.direction, i.amount, i.currency, i."occurredAt",
        i."occurredOn", i.narration, i.category, i."balanceAfter", i.counterparty, v_now, p_page.run_id
      from unnest(p_page.new_rows) i
      -- A subquery, which is hashed: a bank may issue a whole window's rows anew.
      where i.id not in (select unnest(v_deferred || v_taken))
      order by i."occurredAt"
      returning id
    )
    select coalesce(array_agg(id), '{}') into v_inserted from written;
  end if;

  if p_page.missing > 0 then
    with gone as (
      select t.id
      from app_public.transactions t
      where t.account_id = p_page.account_id and t.user_id = p_page.user_id and t.source = p_page.source
        and t.occurred_on between p_page.from_day and p_page.to_day and t.status <> 'removed'
        and not exists (select from unnest(p_page.ids) as known (id) where known.id = t.provider_transaction_id)
    ),
    kept as (
      insert into app_public.transaction_revisions
      select t.id, t.revision, t.user_id, 'removed', v_now, p_page.run_id, t.provider_transaction_id, t.status, t.direction,
        t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after, t.counterparty
      from app_public.transactions t
      join gone g on g.id = t.id
    )
    update app_public.transactions t
    set status = 'removed', revision = t.revision + 1, changed_at = v_now, run_id = p_page.run_id
    from gone g
    where t.id = g.id;
    get diagnostics v_removed = row_count;
  end if;

  if p_page.polled is not null then
    update app_private.tracked_references r
    set polls = r.polls + 1,
      outcome = d.outcome,
      settled_at = case when d.outcome <> 'open' then v_now end,
      next_poll_at = case when d.outcome = 'open' then v_now + app_private.reference_poll_delay(r.polls + 1) end
    from (
      select d."referenceId",
        -- A reference that the provider does not know may still be on its way: somebody may track it before posting it.
        case when d.outcome = 'unknown' and t.requested_at > v_now - interval '1 day' then 'open' else d.outcome end as outcome
      from json_to_recordset(p_page.polled) as d ("referenceId" uuid, outcome text)
      join app_private.tracked_references t on t.reference_id = d."referenceId"
    ) d
    where r.reference_id = d."referenceId" and r.account_id = p_page.account_id and r.outcome = 'open';
  end if;

  if p_page.transactions_task is not null and cardinality(v_inserted || v_touched || v_reissued) > 0 then
    perform graphile_worker.add_job(p_page.transactions_task, json_build_object(
      'accountId', p_page.account_id, 'runId', p_page.run_id::text, 'transactionIds', (v_inserted || v_touched || v_reissued)::text[]
    ));
  end if;

  return query select cardinality(v_inserted), cardinality(v_touched) + cardinality(v_reissued), v_removed, v_deferred;
end
$$;
