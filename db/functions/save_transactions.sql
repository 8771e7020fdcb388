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
  v_page app_private.judged_page;
begin
  new_count := 0;
  changed_count := 0;
  removed_count := 0;
  deferred := '{}';

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

  foreach v_page in array v_pages loop
    if v_page.verdict = 'news' and v_page.nth = any (v_held) then
      return query select * from app_private.save_page(v_page);
      continue;
    end if;
    outcome := case when v_page.verdict = 'quiet' and (v_page.settled_days is null or v_page.nth = any (v_held)) then 'ok' else 'lost' end;
    unchanged_count := case when outcome = 'ok' then v_page.seen else 0 end;
    return next;
  end loop;
end
$$;
