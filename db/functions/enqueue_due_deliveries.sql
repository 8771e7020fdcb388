-- Hands the deliveries that are due to the workers, and answers how many: those that waited for the end of quiet hours or for
-- another attempt, and those whose job was lost. `skip locked`: two dispatchers share them, and one that is being recorded at
-- this moment can wait a minute.
create or replace function app_private.enqueue_due_deliveries(p_limit integer default 1000) returns integer
language sql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
  select app_private.enqueue_deliveries(array(
    select d.id
    from app_private.deliveries d
    where d.outcome is null and d.next_attempt_at <= app_private.clock()
      and coalesce(greatest(d.enqueued_until, d.leased_until), '-infinity') <= clock_timestamp()
    order by d.next_attempt_at
    limit p_limit
    for no key update skip locked
  ));
$$;
comment on function app_private.enqueue_due_deliveries(integer) is
  'Adds a job for each delivery that is due, at most p_limit, and answers how many.';
