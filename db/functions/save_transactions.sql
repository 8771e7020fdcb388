-- Saves pages of transactions, each under its own lease: one answer a page, in the order given; a page whose lease is
-- lost writes nothing and fails none of its neighbours. save_page() says what is decided for a page.
--
-- p_pages: [{"accountId", "runId", "epoch", "source", "page", "from", "to", "rows": [incoming_transaction],
--            "complete": null | {"ids": [text], "settles": boolean, "asOf": timestamp},
--            "polled"?: [{"referenceId", "outcome": "open" | "settled" | "unknown"}]}]
create or replace function app_private.save_transactions(p_pages json)
returns table (
  outcome text, new_count integer, changed_count integer, unchanged_count integer, removed_count integer, deferred text[]
)
language plpgsql security definer -- app_worker has no table grants
rows 10
set search_path = pg_catalog, pg_temp
as $$
declare
  v_page json;
begin
  -- Callers order pages by account, so that two calls never wait for each other's leases crosswise.
  for v_page in select value from json_array_elements(p_pages) loop
    return query select * from app_private.save_page(v_page);
  end loop;
end
$$;
