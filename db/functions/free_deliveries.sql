-- Takes back what workers held that are dead or have stopped: due at once for somebody else. Answers how many.
create or replace function app_private.free_deliveries(p_workers text[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_freed uuid[];
begin
  with freed as (
    update app_private.deliveries d
    set enqueued_until = null, leased_until = null, held_by = null
    where d.held_by = any (p_workers)
    returning d.id
  )
  select coalesce(array_agg(f.id), '{}') into v_freed from freed f;
  perform app_private.enqueue_deliveries(v_freed);
  return cardinality(v_freed);
end
$$;
