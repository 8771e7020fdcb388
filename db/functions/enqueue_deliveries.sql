-- Adds the jobs of deliveries whose moment has come; the others wait for enqueue_due_deliveries. The job of a channel is
-- send_…; behind webhooks and everything else that somebody waits for, since a wave of pushes may be long.
create or replace function app_private.enqueue_deliveries(p_ids uuid[]) returns integer
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  v_specs graphile_worker.job_spec[];
begin
  with claimed as (
    update app_private.deliveries d
    -- Should the job be lost, its delivery is due again then.
    set enqueued_until = clock_timestamp() + interval '5 minutes'
    where d.id = any (p_ids) and d.outcome is null and d.next_attempt_at <= app_private.clock()
    returning d.id, d.channel
  )
  select array_agg((
    'send_' || c.channel, json_build_object('deliveryId', c.id), null, now(), 3, 'delivery:' || c.id, 5, null
  )::graphile_worker.job_spec)
  into v_specs
  from claimed c;
  if v_specs is null then
    return 0;
  end if;
  perform graphile_worker.add_jobs(v_specs);
  return cardinality(v_specs);
end
$$;
