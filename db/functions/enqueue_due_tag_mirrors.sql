-- Hands the users to the workers of whom OneSignal does not know the latest; answers how many, at most p_limit.
create or replace function app_private.enqueue_due_tag_mirrors(p_limit integer default 1000) returns integer
language plpgsql security definer -- app_worker has no table grants
set search_path = pg_catalog, pg_temp
as $$
declare
  v_specs graphile_worker.job_spec[];
begin
  with due as (
    select m.user_id
    from app_private.tag_mirrors m
    where m.next_attempt_at <= app_private.clock() and coalesce(m.enqueued_until, '-infinity') <= clock_timestamp()
    order by m.next_attempt_at
    limit p_limit
    for no key update skip locked
  ),
  claimed as (
    update app_private.tag_mirrors m
    set enqueued_until = clock_timestamp() + interval '5 minutes'
    from due
    where m.user_id = due.user_id
    returning m.user_id
  )
  select array_agg((
    'mirror_tags', json_build_object('userId', c.user_id), null, now(), 3, 'tags:' || c.user_id, 10, null
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
comment on function app_private.enqueue_due_tag_mirrors(integer) is
  'Adds a job for each user of whom OneSignal does not know the latest, at most p_limit, and answers how many.';
