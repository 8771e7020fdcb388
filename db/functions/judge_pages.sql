-- Takes the pages of a call of save_transactions() apart and compares each with what is stored, all of them in one statement:
-- one by one, a dozen small statements a page were most of what a quiet sync's save costs. One answer a page, in their order:
--
--   lost   its lease is no longer held
--   quiet  nothing of it is new, changed or missing; at most its days are to be settled (settled_days, null where they are)
--   news   save_page() has something to write
--
-- What is judged here, before any lock, stays true for as long as the lease stands: nobody else writes these rows.
-- save_transactions() asks for the lease again before it writes.
create or replace function app_private.judge_pages(p_pages json, p_rows app_private.incoming_transaction[])
returns setof app_private.judged_page
language sql stable
rows 10
set search_path = pg_catalog, pg_temp
as $$
  with pages as materialized (
    select r.nth, r."accountId" as account_id, r."runId" as run_id, r.epoch, r.source, r.page, r."from" as from_day, r."to" as to_day,
      r.rows as json_rows, r."rowsFrom" as rows_from, r."rowsTo" as rows_to, r.complete, r.polled, coalesce(json_typeof(r.complete) = 'object', false) as is_complete, held.*
    from rows from (json_to_recordset(p_pages) as (
      "accountId" uuid, "runId" bigint, epoch integer, source app_public.transaction_source, page integer, "from" date,
      "to" date, rows json, "rowsFrom" integer, "rowsTo" integer, complete json, polled json
    )) with ordinality as r ("accountId", "runId", epoch, source, page, "from", "to", rows, "rowsFrom", "rowsTo", complete, polled, nth)
    -- `offset 0`, here and below: always through the index. From the sizes that Postgres guesses for JSON it reads whole tables.
    left join lateral (
      select true as is_held, a.user_id, l.time_zone, so.overlap_days, so.has_windows, p.transactions_task
      from app_private.sync_states s
      join app_public.accounts a on a.id = s.account_id
      join app_private.links l on l.account_id = s.account_id
      join app_private.platforms p on p.platform_source = s.platform_source
      join app_private.sources so on so.source = r.source and so.platform_source = s.platform_source
      where s.account_id = r."accountId" and s.run_id = r."runId" and s.epoch = r.epoch and s.held_by is not null
      offset 0
    ) held on true
  ),
  -- An id that comes twice is one row, and the later one wins.
  incoming as (
    select distinct on (p.nth, i.id collate "C") p.nth, p.account_id, i.*
    from pages p
    cross join lateral (
      select i.* from unnest(p_rows[p.rows_from:p.rows_to]) with ordinality as i (
        id, status, direction, amount, currency, "occurredAt", "occurredOn", narration, category, "balanceAfter", counterparty,
        position
      )
      union all
      select i.* from rows from (json_populate_recordset(null::app_private.incoming_transaction, p.json_rows)) with ordinality as i
    ) i
    where p.is_held
    order by p.nth, i.id collate "C", i.position desc
  ),
  compared as (
    select i.nth,
      count(*)::integer as seen,
      array_agg(whole.incoming) filter (where t.is_changed is null) as new_rows,
      array_agg(whole.incoming) filter (where t.is_changed) as changed_rows,
      array_agg(i.id) filter (where t.is_changed is not null) as known_ids
    from incoming i
    left join lateral (
      select (
          t.status, t.direction, t.amount, t.currency, t.occurred_at, t.occurred_on, t.narration, t.provider_category, t.balance_after,
          t.counterparty
        ) is distinct from (
          i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter",
          i.counterparty
        ) as is_changed
      from app_public.transactions t
      where t.account_id = i.account_id and t.provider_transaction_id = i.id
      offset 0
    ) t on true
    cross join lateral (
      select row (
        i.id, i.status, i.direction, i.amount, i.currency, i."occurredAt", i."occurredOn", i.narration, i.category, i."balanceAfter",
        i.counterparty
      )::app_private.incoming_transaction as incoming
    ) whole
    group by i.nth
  ),
  judged as (
    select p.*, c.new_rows, c.changed_rows, c.known_ids, coalesce(c.seen, 0) as seen,
      coalesce(p.is_complete and p.has_windows and (p.complete ->> 'settles')::boolean, false) as settles,
      case when p.is_complete then array(select json_array_elements_text(p.complete -> 'ids')) end as ids
    from pages p
    left join compared c on c.nth = p.nth
  )
  select j.nth,
    case
      when j.is_held is null then 'lost'
      when j.new_rows is not null or j.changed_rows is not null or m.missing > 0 or j.polled is not null then 'news'
      else 'quiet'
    end,
    j.account_id, j.run_id, j.epoch, j.user_id, j.source, j.page, j.from_day, j.to_day, j.new_rows, j.ids, j.has_windows,
    j.settles, d.days, j.polled, j.transactions_task, j.seen, m.missing, j.changed_rows, j.known_ids
  from judged j
  cross join lateral (
    select case when j.settles then daterange(j.from_day, greatest(j.from_day, least(
      j.to_day + 1, ((j.complete ->> 'asOf')::timestamptz at time zone j.time_zone)::date - j.overlap_days + 1
    ))) end as days
  ) claimed
  cross join lateral (
    select case when not exists (
      select from app_private.coverage c
      where c.account_id = j.account_id and c.source = j.source and c.settled @> claimed.days
    ) then claimed.days end as days
  ) d
  cross join lateral (
    select case when j.settles then (
      select count(*)::integer
      from app_public.transactions t
      where t.account_id = j.account_id and t.user_id = j.user_id and t.source = j.source
        and t.occurred_on between j.from_day and j.to_day and t.status <> 'removed'
        and not exists (select from unnest(j.ids) as known (id) where known.id = t.provider_transaction_id)
    ) else 0 end as missing
  ) m
  order by j.nth;
$$;
