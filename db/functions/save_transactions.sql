-- Saves pages of transactions, each under its own lease: one answer a page, in the order given; a page whose lease is
-- lost writes nothing and fails none of its neighbours.
--
-- Nothing to write, nothing written. All pages are first compared with what is stored (judge_pages); one that brings nothing
-- new takes no lock and leaves no WAL and no dead tuple. (`on conflict do update … where` was refused: it writes 239 bytes
-- of WAL for each row it leaves alone, measured.) Only with something to write is the lease locked, and asked for again.
--
-- Coverage. Days of a complete window up to data-as-of − overlap become settled, in the same transaction as their rows, never
-- before. The provider's data-as-of, never our clock: a provider that answers from a cache knows nothing of today.
--
-- p_pages: [{"accountId", "runId", "epoch", "source", "page", "from", "to", "rowsFrom", "rowsTo",
--            "complete": null | {"ids": [text], "settles": boolean, "asOf": timestamp},
--            "polled"?: [{"referenceId", "outcome": "open" | "settled" | "unknown"}]}], at most one page an account: a second would be
-- compared with what was stored before the first.
-- p_rows: the rows of all pages; those of a page are rowsFrom to rowsTo, counted from 1, none where rowsTo is before rowsFrom.
-- Workers of 0.1.0 have them in the page instead, as "rows": [incoming_transaction], and hand over no p_rows.
create or replace function app_private.save_transactions(p_pages json, p_rows app_private.incoming_transaction[] default null)
returns table (
  outcome text, new_count integer, changed_count integer, unchanged_count integer, removed_count integer, deferred text[]
)
language plpgsql security definer -- app_worker has no table grants
rows 10
set search_path = pg_catalog, pg_temp
set plan_cache_mode = force_generic_plan -- ARCHITECTURE, "Plans of verbs"
set enable_seqscan = off
set jit = off
as $$
#variable_conflict use_column
declare
  v_pages app_private.judged_page[] := array(select p from app_private.judge_pages(p_pages, p_rows) p);
  v_held bigint[];
begin
  -- In one order, so that two calls never wait for each other's leases crosswise.
  select coalesce(array_agg(held.nth), '{}') into v_held
  from (
    select p.nth
    from unnest(v_pages) p
    join app_private.sync_states s on s.account_id = p.account_id and s.run_id = p.run_id and s.epoch = p.epoch and s.held_by is not null
    where p.verdict = 'news' or p.settled_days is not null
    order by s.account_id
    for no key update of s
  ) held;

  update app_private.coverage c
  set settled = c.settled + datemultirange(p.settled_days)
  from unnest(v_pages) p
  where c.account_id = p.account_id and c.source = p.source and p.settled_days is not null and p.nth = any (v_held);

  return query
    with saved as materialized (
      select p.nth, p.run_id, p.page, s.*
      from unnest(v_pages) p
      cross join lateral app_private.save_page(p) s
      where p.verdict = 'news' and p.nth = any (v_held)
    ),
    told as (
      -- At once, so that a run which is cut off later still tells what it saved.
      update app_public.sync_logs l
      set new_count = l.new_count + s.new_count,
        changed_count = l.changed_count + s.changed_count,
        removed_count = l.removed_count + s.removed_count,
        transactions_synced = l.transactions_synced + s.new_count + s.changed_count,
        pages = greatest(l.pages, s.page)
      from saved s
      where l.id = s.run_id and s.new_count + s.changed_count + s.removed_count > 0
    )
    select
      case when done.is_ok then 'ok' else 'lost' end,
      coalesce(s.new_count, 0),
      coalesce(s.changed_count, 0),
      case when done.is_ok then p.seen - coalesce(s.new_count + s.changed_count + cardinality(s.deferred), 0) else 0 end,
      coalesce(s.removed_count, 0),
      coalesce(s.deferred, '{}')
    from unnest(v_pages) p
    left join saved s on s.nth = p.nth
    cross join lateral (
      select s.nth is not null or p.verdict = 'quiet' and (p.settled_days is null or p.nth = any (v_held)) as is_ok
    ) done
    order by p.nth;
end
$$;
